import type { LonLat } from '@/api/types'

const EARTH_RADIUS_M = 6_371_008.8
const CORNERS = 48

/** Corners of a circle on the ground, for drawing only: the server makes the area that counts. */
export function circle(centre: LonLat, radiusM: number): LonLat[] {
  const lat = (radiusM / EARTH_RADIUS_M) * (180 / Math.PI)
  const lon = lat / Math.cos((centre.lat * Math.PI) / 180)
  return Array.from({ length: CORNERS }, (_, index) => {
    const turn = (index / CORNERS) * 2 * Math.PI
    return { lon: centre.lon + lon * Math.cos(turn), lat: centre.lat + lat * Math.sin(turn) }
  })
}
