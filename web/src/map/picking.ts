import type { Map as EngineMap, MapGeoJSONFeature, MapMouseEvent } from 'maplibre-gl'

export interface Picked {
  kind: 'incident' | 'crew' | 'report' | 'valve' | 'pipe' | 'hydrant' | 'candidate' | 'closure'
  id: string
  properties: Record<string, unknown>
}

/** What a click on a layer means. */
export const PICKABLE: Record<string, Picked['kind']> = {
  candidate: 'candidate',
  incident: 'incident',
  'incident-far': 'incident',
  'zone-hatch': 'incident',
  crew: 'crew',
  report: 'report',
  valve: 'valve',
  'plan-valve': 'valve',
  hydrant: 'hydrant',
  pipe: 'pipe',
  'pipe-off': 'pipe',
  'closure-fill': 'closure',
}
/** Areas lie under what stands in them. */
const AREAS = new Set(['zone-hatch', 'closure-fill'])
/** How far beside a thin line a click still means it, pixels. */
const REACH_PX = 4

export function featureUnder(map: EngineMap, event: MapMouseEvent): MapGeoJSONFeature | undefined {
  const layers = Object.keys(PICKABLE).filter((id) => map.getLayer(id))
  const { x, y } = event.point
  const hits = map.queryRenderedFeatures([[x - REACH_PX, y - REACH_PX], [x + REACH_PX, y + REACH_PX]], { layers })
  return hits.find((hit) => !AREAS.has(hit.layer.id)) ?? hits[0]
}

/** A finger held still this long asks "what is here", as the right button does. */
const HOLD_MS = 550
/** A finger that moves further than this drags the map, pixels. */
const STILL_PX = 8

/** Tell of right clicks and long presses; browsers on some phones know no right click. */
export function onLongPress(map: EngineMap, pressed: (event: MapMouseEvent | { lngLat: { lng: number; lat: number } }) => void): void {
  let timer: number | undefined
  let start: { x: number; y: number } | null = null
  const stop = () => window.clearTimeout(timer)
  map.on('contextmenu', (event) => {
    event.originalEvent.preventDefault()
    stop()
    pressed(event)
  })
  map.on('touchstart', (event) => {
    stop()
    if (event.points.length !== 1) return
    start = event.point
    timer = window.setTimeout(() => pressed(event), HOLD_MS)
  })
  map.on('touchmove', (event) => {
    if (start && Math.hypot(event.point.x - start.x, event.point.y - start.y) > STILL_PX) stop()
  })
  map.on('touchend', stop)
  map.on('touchcancel', stop)
}
