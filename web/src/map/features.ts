import type { Candidate, CrewOnMap, IncidentOnMap, Isolation, IsolationPlan, LikelyPlace, LonLat, Reach, ReportOnMap, RoadClosure, Way } from '@/api/types'
import type { StuckValve } from '@/pages/console/useIsolation'
import type { Sketch } from '@/stores/closures'
import { crewTone, incidentTone } from '@/status'

type Features = GeoJSON.FeatureCollection

const MINUTE_MS = 60_000
const FRESH_MIN = 30
const RECENT_MIN = 120
/** Slower than a walk: drawn as standing. */
const MOVING_MPS = 1

const point = (place: LonLat): GeoJSON.Point => ({ type: 'Point', coordinates: [place.lon, place.lat] })
const all = (features: GeoJSON.Feature[]): Features => ({ type: 'FeatureCollection', features })

export function reportFeatures(reports: Iterable<ReportOnMap>, at: number): Features {
  const features: GeoJSON.Feature[] = []
  for (const report of reports) {
    if (!report.point) continue
    const minutes = (at - Date.parse(report.received_at)) / MINUTE_MS
    const age = minutes < FRESH_MIN ? 'fresh' : minutes < RECENT_MIN ? 'recent' : 'old'
    features.push({
      type: 'Feature',
      geometry: point(report.point),
      properties: { id: report.id, age, category: report.category, number: report.number },
    })
  }
  return all(features)
}

export function incidentFeatures(incidents: Iterable<IncidentOnMap>, at: number, selected: string | null): Features {
  const features: GeoJSON.Feature[] = []
  for (const incident of incidents) {
    const chosen = incident.id === selected
    features.push({
      type: 'Feature',
      geometry: point(incident.point),
      properties: {
        id: incident.id,
        label: String(incident.number),
        tone: incidentTone(incident, at),
        rank: (chosen ? 100 : 0) - incident.priority,
        selected: chosen,
      },
    })
  }
  return all(features)
}

/** Each incident's zone; of the selected one its credible zones instead, the wider under the narrower, once they are known. */
export function zoneFeatures(
  incidents: Iterable<IncidentOnMap>,
  at: number,
  selected: string | null,
  credible: LikelyPlace['zones']['features'] = [],
): Features {
  const features: GeoJSON.Feature[] = []
  for (const incident of incidents) {
    if (incident.id === selected && credible.length) {
      const tone = incidentTone(incident, at)
      for (const [index, zone] of credible.entries()) {
        const extent = index === 0 ? 'inner' : 'outer'
        features.unshift({ ...zone, properties: { id: incident.id, tone, selected: true, extent, belief: zone.properties.belief } })
      }
      continue
    }
    if (!incident.zone) continue
    features.push({
      type: 'Feature',
      geometry: incident.zone,
      properties: { id: incident.id, tone: incidentTone(incident, at), selected: incident.id === selected },
    })
  }
  return all(features)
}

export function crewFeatures(crews: Iterable<CrewOnMap>, placeOf: (crew: CrewOnMap) => LonLat | null): Features {
  const features: GeoJSON.Feature[] = []
  for (const crew of crews) {
    const place = placeOf(crew)
    if (!place) continue
    const moving = (crew.speed_mps ?? 0) > MOVING_MPS && crew.course_deg !== null
    const stale = crew.presence !== 'online'
    features.push({
      type: 'Feature',
      geometry: point(place),
      properties: {
        id: crew.crew_id,
        code: crew.code,
        icon: `crew-${moving ? 'moving' : 'standing'}-${stale ? 'stale' : crewTone(crew)}`,
        course_deg: moving ? crew.course_deg : 0,
      },
    })
  }
  return all(features)
}

export function planFeatures(plan: IsolationPlan | null): Features {
  if (!plan) return all([])
  const features: GeoJSON.Feature[] = []
  for (const valve of plan.valves_to_close) {
    if (!valve.point) continue
    features.push({
      type: 'Feature',
      geometry: point(valve.point),
      properties: { id: valve.id, order: valve.order, asset_code: valve.asset_code, stuck: false },
    })
  }
  return all(features)
}

/** A plan just worked out: what goes dry lies under its numbered valves; those that will not turn are crossed. */
export function isolationFeatures(plan: Isolation | null, stuck: StuckValve[]): Features {
  const features: GeoJSON.Feature[] = []
  const lines: [GeoJSON.MultiLineString | null, boolean][] = [
    [plan?.cut_off_lines ?? null, true],
    [plan?.segment_lines ?? null, false],
  ]
  for (const [drawn, cutOff] of lines) {
    for (const coordinates of drawn?.coordinates ?? []) {
      features.push({ type: 'Feature', geometry: { type: 'LineString', coordinates }, properties: { cut_off: cutOff } })
    }
  }
  for (const valve of stuck) {
    if (!valve.point) continue
    const properties = { id: valve.id, asset_code: valve.code, stuck: true }
    features.push({ type: 'Feature', geometry: point(valve.point), properties })
  }
  return all([...features, ...planFeatures(plan).features])
}

export function lineFeatures(lines: GeoJSON.LineString[]): Features {
  return all(lines.map((geometry) => ({ type: 'Feature' as const, geometry, properties: {} })))
}

export function placeFeatures(places: LonLat[]): Features {
  return all(places.map((place) => ({ type: 'Feature' as const, geometry: point(place), properties: {} })))
}

export function candidateFeatures(candidates: Candidate[], at: number): Features {
  return all(
    candidates.map((one, index) => ({
      type: 'Feature' as const,
      geometry: point(one.point),
      properties: { id: String(index), number: String(index + 1), text: one.text, chosen: index === at, rank: index === at ? 0 : -index },
    })),
  )
}

export function wayFeatures(way: Way | null): Features {
  const places = way?.geometry.coordinates ?? []
  const ends = [places.at(0), places.at(-1)].filter((one) => one !== undefined)
  return all([
    ...lineFeatures(way ? [way.geometry] : []).features,
    ...ends.map((coordinates) => ({ type: 'Feature' as const, geometry: { type: 'Point' as const, coordinates }, properties: {} })),
  ])
}

/** The furthest band lies lowest. */
export function reachFeatures(reach: Reach | null, label: (minutes: number) => string): Features {
  const bands = [...(reach?.features ?? [])].sort((a, b) => a.properties.minutes - b.properties.minutes)
  return all(
    bands
      .map((one, band) => ({ ...one, properties: { band, minutes: one.properties.minutes, label: label(one.properties.minutes) } }))
      .reverse(),
  )
}

export function closureFeatures(closures: RoadClosure[]): Features {
  return all(
    closures.map((one) => ({ type: 'Feature' as const, geometry: one.area, properties: { id: one.id, reason: one.reason } })),
  )
}

export function areaFeatures(areas: (GeoJSON.Polygon | GeoJSON.MultiPolygon)[]): Features {
  return all(areas.map((geometry) => ({ type: 'Feature' as const, geometry, properties: {} })))
}

/** An area being drawn: a line at first, an area from three corners on. */
export function sketchFeatures(sketch: Sketch): Features {
  const ring = sketch.ring.map(({ lon, lat }) => [lon, lat])
  const first = ring[0]
  const isArea = ring.length >= 3 && first !== undefined
  const shape: GeoJSON.Geometry = isArea
    ? { type: 'Polygon', coordinates: [[...ring, first]] }
    : { type: 'LineString', coordinates: ring }
  return all([
    ...(ring.length >= 2 ? [{ type: 'Feature' as const, geometry: shape, properties: {} }] : []),
    ...placeFeatures(sketch.corners).features,
  ])
}
