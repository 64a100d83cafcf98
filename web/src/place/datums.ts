import type { LonLat } from '@/api/types'
import type { ReadDatum } from '@/preferences'

// The offset of GCJ-02 is defined on the Krassovsky ellipsoid, for this box; the same numbers stand in gis/coordinates.py.
const KRASSOVSKY_A_M = 6_378_245
const KRASSOVSKY_E2 = 0.006693421622965943
const GCJ_BOX = { west: 72.004, south: 0.8293, east: 137.8347, north: 55.8271 }
const BD_TURN = (Math.PI * 3000) / 180
const BD_SHIFT = { lon: 0.0065, lat: 0.006 }
const TOLERANCE_DEG = 1e-11
const ROUNDS = 30

const radians = (degrees: number) => (degrees * Math.PI) / 180
const degrees = (angle: number) => (angle * 180) / Math.PI
const wave = (amplitude: number, value: number) => amplitude * Math.sin(value * Math.PI)

function gcjOffset({ lon, lat }: LonLat): LonLat {
  const x = lon - 105
  const y = lat - 35
  const ripple = wave(20, 6 * x) + wave(20, 2 * x)
  const north = ripple + wave(20, y) + wave(40, y / 3) + wave(160, y / 12) + wave(320, y / 30)
  const east = ripple + wave(20, x) + wave(40, x / 3) + wave(150, x / 12) + wave(300, x / 30)
  const dLat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + (north * 2) / 3
  const dLon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + (east * 2) / 3
  const phi = radians(lat)
  const w = 1 - KRASSOVSKY_E2 * Math.sin(phi) ** 2
  const meridian = (KRASSOVSKY_A_M * (1 - KRASSOVSKY_E2)) / (w * Math.sqrt(w))
  const parallel = (KRASSOVSKY_A_M / Math.sqrt(w)) * Math.cos(phi)
  return { lon: degrees(dLon / parallel), lat: degrees(dLat / meridian) }
}

function wgsToGcj(place: LonLat): LonLat {
  const { lon, lat } = place
  if (lon < GCJ_BOX.west || lon > GCJ_BOX.east || lat < GCJ_BOX.south || lat > GCJ_BOX.north) return place
  const offset = gcjOffset(place)
  return { lon: lon + offset.lon, lat: lat + offset.lat }
}

function gcjToBd({ lon, lat }: LonLat): LonLat {
  const radius = Math.hypot(lon, lat) + 0.00002 * Math.sin(lat * BD_TURN)
  const angle = Math.atan2(lat, lon) + 0.000003 * Math.cos(lon * BD_TURN)
  return { lon: radius * Math.cos(angle) + BD_SHIFT.lon, lat: radius * Math.sin(angle) + BD_SHIFT.lat }
}

/** Find what `there` sends to `wanted`; each offset changes little from step to step, so a few rounds suffice. */
function inverse(there: (place: LonLat) => LonLat, wanted: LonLat): LonLat {
  let guess = wanted
  for (let round = 0; round < ROUNDS; round += 1) {
    const reached = there(guess)
    const miss = { lon: wanted.lon - reached.lon, lat: wanted.lat - reached.lat }
    guess = { lon: guess.lon + miss.lon, lat: guess.lat + miss.lat }
    if (Math.max(Math.abs(miss.lon), Math.abs(miss.lat)) < TOLERANCE_DEG) break
  }
  return guess
}

const FROM_WGS84: Record<ReadDatum, (place: LonLat) => LonLat> = {
  wgs84: (place) => place,
  gcj02: wgsToGcj,
  bd09: (place) => gcjToBd(wgsToGcj(place)),
}

export function fromWgs84(place: LonLat, datum: ReadDatum): LonLat {
  return FROM_WGS84[datum](place)
}

export function toWgs84(place: LonLat, datum: ReadDatum): LonLat {
  if (datum === 'wgs84') return place
  const gcj = datum === 'bd09' ? inverse(gcjToBd, place) : place
  return inverse(wgsToGcj, gcj)
}
