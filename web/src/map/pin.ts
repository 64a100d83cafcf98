import { type Map as EngineMap, Marker } from 'maplibre-gl'
import type { LonLat } from '@/api/types'

const STEP_PX = 8
const FINE_PX = 1
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const SHAPE =
  '<svg width="26" height="34" viewBox="0 0 26 34" aria-hidden="true"><path class="drop" d="M13 32.5C8 23.5 3.5 18 3.5 12a9.5 9.5 0 0 1 19 0c0 6-4.5 11.5-9.5 20.5Z"/><circle class="eye" cx="13" cy="12" r="3.6"/></svg>'

/** A pin that is dragged, or pushed by arrow keys once it has the focus. */
export function draggablePin(map: EngineMap, moved: (place: LonLat) => void) {
  const element = document.createElement('button')
  element.type = 'button'
  element.className = 'map-pin'
  element.dataset.test = 'pin'
  element.innerHTML = SHAPE
  const marker = new Marker({ element, anchor: 'bottom', draggable: true })
  const tell = () => {
    const { lng, lat } = marker.getLngLat()
    moved({ lon: lng, lat })
  }
  marker.on('dragstart', () => element.focus()) // arrow keys go on where the hand stops
  marker.on('drag', tell)
  marker.on('dragend', tell)
  element.addEventListener('click', (event) => event.stopPropagation())
  element.addEventListener('keydown', (event) => {
    const arrow = ARROWS[event.key]
    if (!arrow) return
    event.preventDefault()
    event.stopPropagation()
    const step = event.shiftKey ? FINE_PX : STEP_PX
    const { x, y } = map.project(marker.getLngLat())
    marker.setLngLat(map.unproject([x + arrow[0] * step, y + arrow[1] * step]))
    tell()
  })
  return {
    show(place: LonLat | null, label: string): void {
      element.setAttribute('aria-label', label)
      element.title = label
      if (!place) marker.remove()
      else {
        marker.setLngLat([place.lon, place.lat])
        if (!element.isConnected) marker.addTo(map)
      }
    },
    focus: () => element.focus(),
  }
}
