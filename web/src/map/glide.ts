import type { CrewOnMap, LonLat } from '@/api/types'
import { reducedMotion } from '@/preferences'

const GLIDE_MS = 950
const FRAME_MS = 200
/** With more crews than this they jump once a second instead: drawing has its price. */
const GLIDE_CREWS_MAX = 150
/** A leap longer than this (degrees, roughly 3 km) is not driven but corrected. */
const LEAP_DEG = 0.03

interface Glide {
  from: LonLat
  to: LonLat
  start: number
}

/** Carry crews evenly from one fix to the next: `draw` is called while any of them moves. */
export function crewGlide(draw: () => void) {
  const glides = new Map<string, Glide>()
  let timer: number | undefined

  function placeOf(crew: CrewOnMap): LonLat | null {
    if (crew.lon === null || crew.lat === null) return null
    const glide = glides.get(crew.crew_id)
    if (!glide) return { lon: crew.lon, lat: crew.lat }
    const share = Math.min(1, (performance.now() - glide.start) / GLIDE_MS)
    return {
      lon: glide.from.lon + (glide.to.lon - glide.from.lon) * share,
      lat: glide.from.lat + (glide.to.lat - glide.from.lat) * share,
    }
  }

  function note(crews: ReadonlyMap<string, CrewOnMap>): void {
    const still = crews.size > GLIDE_CREWS_MAX || reducedMotion()
    for (const crew of crews.values()) {
      if (crew.lon === null || crew.lat === null) continue
      const to = { lon: crew.lon, lat: crew.lat }
      const before = glides.get(crew.crew_id)
      if (before && before.to.lon === to.lon && before.to.lat === to.lat) continue
      const from = before ? (placeOf({ ...crew, lon: before.to.lon, lat: before.to.lat }) ?? to) : to
      const leap = Math.abs(from.lon - to.lon) > LEAP_DEG || Math.abs(from.lat - to.lat) > LEAP_DEG
      glides.set(crew.crew_id, { from: still || leap ? to : from, to, start: performance.now() })
    }
  }

  function go(): void {
    stop()
    draw()
    timer = window.setInterval(() => {
      if (!document.hidden) draw()
      const moving = [...glides.values()].some((glide) => performance.now() - glide.start < GLIDE_MS)
      if (!moving) stop()
    }, FRAME_MS)
  }

  function stop(): void {
    window.clearInterval(timer)
  }

  return { placeOf, note, go, stop }
}
