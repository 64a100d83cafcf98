import type { LonLat } from '@/api/types'

const HEMISPHERES: Record<string, { axis: 'lon' | 'lat'; sign: 1 | -1 }> = {
  E: { axis: 'lon', sign: 1 },
  W: { axis: 'lon', sign: -1 },
  N: { axis: 'lat', sign: 1 },
  S: { axis: 'lat', sign: -1 },
  东: { axis: 'lon', sign: 1 },
  西: { axis: 'lon', sign: -1 },
  北: { axis: 'lat', sign: 1 },
  南: { axis: 'lat', sign: -1 },
}
const LETTER = `[${Object.keys(HEMISPHERES).join('')}]`
const ANGLE = `(${LETTER})?[经纬]?\\s*([+-]?\\d{1,3}(?:\\.\\d+)?)\\s*(?:([°度])\\s*(?:(\\d{1,2}(?:\\.\\d+)?)\\s*['′分]\\s*)?(?:(\\d{1,2}(?:\\.\\d+)?)\\s*["″秒]\\s*)?)?(${LETTER})?`
const PAIR = new RegExp(`^${ANGLE}(?:\\s*[,，;；、/]\\s*|\\s+)${ANGLE}$`, 'i')
const GROUPS = 6
/** Digits after the point: a centimetre. */
const DIGITS = 7

interface Angle {
  value: number
  axis: 'lon' | 'lat' | null
  /** Written as an angle is: with a point, a degree sign or a letter. Two plain numbers are a house and a flat. */
  isExplicit: boolean
}

function angle(parts: (string | undefined)[]): Angle {
  const [before, whole = '', mark, minutes, seconds, after] = parts
  const letter = (before ?? after)?.toUpperCase()
  const hemisphere = letter ? HEMISPHERES[letter] : undefined
  const degrees = Math.abs(Number(whole)) + Number(minutes ?? 0) / 60 + Number(seconds ?? 0) / 3600
  return {
    value: degrees * (whole.startsWith('-') ? -1 : 1) * (hemisphere?.sign ?? 1),
    axis: hemisphere?.axis ?? null,
    isExplicit: whole.includes('.') || mark !== undefined || hemisphere !== undefined,
  }
}

const lies = ({ lon, lat }: LonLat) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90

/**
 * Read two numbers as a place: `108.95, 34.26`, `34.26N 108.95E`, `北纬34°15′36″ 东经108°57′`.
 *
 * Without letters longitude comes first; where both orders make a place, both are given, that one first.
 */
export function readCoordinates(text: string): LonLat[] {
  const match = PAIR.exec(text.trim())
  if (!match) return []
  const first = angle(match.slice(1, 1 + GROUPS))
  const second = angle(match.slice(1 + GROUPS, 1 + 2 * GROUPS))
  if (!first.isExplicit || !second.isExplicit) return []
  const asLonLat = { lon: first.value, lat: second.value }
  const asLatLon = { lon: second.value, lat: first.value }
  if (first.axis !== null && first.axis === second.axis) return []
  if (first.axis === 'lon' || second.axis === 'lat') return [asLonLat].filter(lies)
  if (first.axis === 'lat' || second.axis === 'lon') return [asLatLon].filter(lies)
  return [asLonLat, asLatLon].filter(lies)
}

/** Longitude, latitude, as it is read back by `readCoordinates`. */
export function writeCoordinates({ lon, lat }: LonLat): string {
  return `${lon.toFixed(DIGITS)}, ${lat.toFixed(DIGITS)}`
}
