import { computed, nextTick, type Ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { LonLat } from '@/api/types'
import { areaFeatures, candidateFeatures, closureFeatures, reachFeatures, sketchFeatures, wayFeatures } from '@/map/features'
import type MapView from '@/map/MapView.vue'
import type { Picked } from '@/map/picking'
import { useClosures } from '@/stores/closures'
import { usePicking } from '@/stores/picking'
import { usePin } from '@/stores/pin'
import { useWays } from '@/stores/ways'

type View = InstanceType<typeof MapView>
/** Near enough to see the houses. */
export const HOUSE_ZOOM = 16.5

const places = (positions: GeoJSON.Position[]): LonLat[] => positions.map(([lon = 0, lat = 0]) => ({ lon, lat }))
const corners = (shape: GeoJSON.Polygon | GeoJSON.MultiPolygon): LonLat[] =>
  (shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates).flatMap((rings) => places(rings[0] ?? []))

/** The pin, the places offered and what the roads answered, drawn on a page's map and worked from it. */
export function usePlaceOnMap(map: Ref<View | null>) {
  const { t } = useI18n()
  const pin = usePin()
  const ways = useWays()
  const closures = useClosures()
  const picking = usePicking()

  const candidates = computed(() => candidateFeatures(pin.candidates, pin.at))
  const way = computed(() => wayFeatures(ways.way))
  const reach = computed(() => reachFeatures(ways.reach, (n) => t('unit.min', { n })))
  const uncovered = computed(() => areaFeatures(ways.cover ? [ways.cover.geometry] : []))
  const closed = computed(() => closureFeatures(closures.inForce))
  const sketch = computed(() => sketchFeatures(closures.sketch))
  const sources = computed(() => ({
    candidates: candidates.value,
    way: way.value,
    reach: reach.value,
    uncovered: uncovered.value,
    closures: closed.value,
    sketch: sketch.value,
  }))

  watch(() => pin.candidates, (found) => map.value?.reveal(found.map((one) => one.point)))
  watch(() => ways.way, (found) => found && map.value?.reveal(places(found.geometry.coordinates)))
  watch(() => ways.reach, (found) => found && map.value?.reveal(found.features.flatMap((one) => corners(one.geometry))))
  watch(() => ways.cover, (found) => found && map.value?.reveal(corners(found.geometry)))
  watch(() => closures.inForce.map((one) => one.revision).join(), () => void ways.again())

  function drop(place: LonLat, name = ''): void {
    ways.clear()
    pin.drop(place, name)
    map.value?.flyTo(place, HOUSE_ZOOM)
  }

  /** A pin that was moved is another place: what was asked from the old one goes. */
  function drag(place: LonLat): void {
    ways.clear()
    pin.drop(place)
  }

  /** Put the pin here, or move on to it: arrow keys push it from then on. */
  async function dropHere(): Promise<boolean> {
    if (!pin.place) {
      const centre = map.value?.centre()
      if (!centre) return false
      pin.drop(centre)
      await nextTick()
    }
    map.value?.focusPin()
    return true
  }

  /** Whether a click on a feature was for one of the places offered. */
  function took(feature: Picked): boolean {
    if (feature.kind === 'candidate') pin.choose(Number(feature.id))
    return feature.kind === 'candidate'
  }

  function clear(): void {
    picking.end()
    pin.lift()
    ways.clear()
  }

  /** Whether there was something to put away, the latest first. */
  function putAway(): boolean {
    if (picking.isOn) picking.end()
    else if (pin.place || pin.candidates.length || ways.isShown) clear()
    else return false
    return true
  }

  return { sources, drop, drag, dropHere, took, clear, putAway }
}
