"""A utility's own files, read into one draft of the network: EPANET INP, GeoPackage, Shapefile, GeoJSON."""
