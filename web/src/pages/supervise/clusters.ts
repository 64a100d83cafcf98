import type { LargeIncident, PressureZone, Rate, RateGroup, RateVerdict } from '@/api/types'
import type { Tone } from '@/map/palette'

export const GROUPS: RateGroup[] = ['all', 'supply', 'water_quality', 'other']
export const LEVELS = ['cluster', 'area', 'zone'] as const

/** From the worst on. */
export const VERDICTS: RateVerdict[] = ['far_above', 'raised', 'usual', 'too_little_history']
const TONES: Record<RateVerdict, Tone> = { far_above: 'late', raised: 'new', usual: 'done', too_little_history: 'unknown' }

export function toneOfVerdict(verdict: RateVerdict): Tone {
  return TONES[verdict]
}

/** The most unusual first, then the most reports. */
export function inOrder(rates: Rate[]): Rate[] {
  return [...rates].sort((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || b.count - a.count)
}

export function worst(rates: Rate[]): RateVerdict | null {
  return VERDICTS.find((verdict) => rates.some((one) => one.verdict === verdict)) ?? null
}

export function isAlive(incident: LargeIncident, since: number, until: number): boolean {
  return Date.parse(incident.opened_at) < until && (incident.closed_at === null || Date.parse(incident.closed_at) > since)
}

/** Where a zone's name is written, once: the middle of its widest part. */
function middleOf(outline: GeoJSON.MultiPolygon): GeoJSON.Point {
  const boxes = outline.coordinates.map(([ring = []]) => {
    const [lons, lats] = [ring.map(([lon = 0]) => lon), ring.map(([, lat = 0]) => lat)]
    const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)]
    return { size: (east - west) * (north - south), middle: [(west + east) / 2, (south + north) / 2] }
  })
  const widest = boxes.reduce((best, one) => (one.size > best.size ? one : best))
  return { type: 'Point', coordinates: widest.middle }
}

export function zoneFeatures(zones: PressureZone[], rates: Rate[], label: (zone: PressureZone, rate?: Rate) => string): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = []
  for (const zone of zones) {
    if (!zone.outline?.coordinates.length) continue
    const rate = rates.find((one) => one.zone_id === zone.id)
    const properties = { id: zone.id, verdict: rate?.verdict ?? 'none', label: label(zone, rate) }
    for (const geometry of [zone.outline, middleOf(zone.outline)]) features.push({ type: 'Feature', geometry, properties })
  }
  return { type: 'FeatureCollection', features }
}

export function flagFeatures(incidents: LargeIncident[], chosen: string | null, label: (incident: LargeIncident) => string): GeoJSON.FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: incidents.map((one) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [one.point.lon, one.point.lat] },
      properties: { id: one.id, number: one.number, level: one.level, label: label(one), chosen: one.id === chosen },
    })),
  }
}
