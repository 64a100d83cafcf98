"""Addresses and roads by name from files: tables (CSV), layers (GeoPackage, Shapefile, GeoJSON), OpenStreetMap extracts."""
