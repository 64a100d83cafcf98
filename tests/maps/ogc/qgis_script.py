"""Read a layer as QGIS does when a person adds it; run by the system's Python, which has QGIS."""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)

asked = json.loads(sys.argv[1])
application = QgsApplication([], False)
application.initQgis()
uri = (
    f"pagingEnabled='true' pageSize='{asked['page']}' preferCoordinatesForWfsT11='false' restrictToRequestBBOX='1'"
    f" typename='{asked['collection']}' url='{asked['base']}' version='OGC_API_FEATURES'"
    f" username='{asked['username']}' password='{asked['password']}'"
)
layer = QgsVectorLayer(uri, "layer", "OAPIF")
if not layer.isValid():
    print(
        "not valid", layer.error().summary(), layer.dataProvider() and layer.dataProvider().error().summary()
    )
    sys.exit(1)
request = QgsFeatureRequest()
if asked["bbox"]:
    request.setFilterRect(QgsRectangle(*asked["bbox"]))
    request.setFlags(QgsFeatureRequest.ExactIntersect)
if asked["srid"]:  # 3.22 does not ask servers for other systems: it turns what it got
    wanted = QgsCoordinateReferenceSystem.fromEpsgId(asked["srid"])
    request.setDestinationCrs(wanted, QgsProject.instance().transformContext())
found = {}
for feature in layer.getFeatures(request):
    box = feature.geometry().boundingBox()
    found[feature["id"]] = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
print(json.dumps(found))
application.exitQgis()
