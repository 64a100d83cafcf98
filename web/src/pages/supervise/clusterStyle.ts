import type { ExpressionSpecification, LayerSpecification, Map as EngineMap, StyleSpecification } from 'maplibre-gl'
import { PALETTES, TONES } from '@/map/palette'
import { EMPTY, mapStyle } from '@/map/style'
import type { Theme } from '@/preferences'
import { LEVELS, toneOfVerdict, VERDICTS } from './clusters'

const RATIO = 2
const SIGN_PX = 20

/** The further it reaches, the more corners: disc, square, star. */
export const LEVEL_COLOURS: Record<(typeof LEVELS)[number], string> = { cluster: '#e69f00', area: '#d55e00', zone: '#cc79a7' }
export const LEVEL_PATHS: Record<(typeof LEVELS)[number], string> = {
  cluster: 'M10 2a8 8 0 1 0 .01 0Z',
  area: 'M3 3h14v14H3Z',
  zone: 'M10 1l2.6 6h6.4l-5 4.2 1.8 6.8-5.8-3.8L4.2 18 6 11.2 1 7h6.4Z',
}

const byVerdict = (value: (verdict: (typeof VERDICTS)[number]) => string | number, otherwise: string | number): ExpressionSpecification =>
  ['match', ['get', 'verdict'], ...VERDICTS.flatMap((one) => [one, value(one)]), otherwise] as unknown as ExpressionSpecification

/** Streets, above them the zones tinted by their rate, above these the large incidents. */
export function clusterStyle(theme: Theme): StyleSpecification {
  const c = PALETTES[theme]
  const whole = mapStyle(theme)
  const text = { 'text-font': ['sans-serif'] }
  const label = { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.8 }
  const layers: LayerSpecification[] = [
    ...whole.layers.filter((layer) => !('source' in layer) || layer.source === 'base'),
    {
      id: 'rate',
      type: 'fill',
      source: 'rates',
      paint: { 'fill-color': byVerdict((one) => TONES[toneOfVerdict(one)], c.roadMain), 'fill-opacity': byVerdict((one) => (one === 'far_above' ? 0.3 : 0.18), 0.1) },
    },
    {
      id: 'rate-hatch',
      type: 'fill',
      source: 'rates',
      filter: ['==', ['get', 'verdict'], 'far_above'],
      paint: { 'fill-pattern': 'hatch-late', 'fill-opacity': 0.5 },
    },
    {
      id: 'rate-edge',
      type: 'line',
      source: 'rates',
      paint: { 'line-color': byVerdict((one) => TONES[toneOfVerdict(one)], c.roadName), 'line-width': byVerdict((one) => (one === 'far_above' ? 3 : 1.5), 1) },
    },
    {
      id: 'rate-name',
      type: 'symbol',
      source: 'rates',
      filter: ['==', ['geometry-type'], 'Point'],
      layout: { ...text, 'text-field': ['get', 'label'], 'text-size': 12, 'text-max-width': 20, 'text-padding': 4, 'text-variable-anchor': ['center', 'top', 'bottom'], 'text-radial-offset': 2 },
      paint: label,
    },
    {
      id: 'large',
      type: 'symbol',
      source: 'flags',
      layout: {
        ...text,
        'icon-image': ['concat', 'level-', ['get', 'level']],
        'icon-size': ['case', ['get', 'chosen'], 1.4, 1],
        'icon-allow-overlap': true,
        'text-field': ['get', 'label'],
        'text-size': 12,
        'text-anchor': 'left',
        'text-offset': [1, 0],
        'text-optional': true,
      },
      paint: label,
    },
  ]
  return {
    version: 8,
    sources: { ...(whole.sources.base ? { base: whole.sources.base } : {}), rates: { type: 'geojson', data: EMPTY }, flags: { type: 'geojson', data: EMPTY } },
    layers,
  }
}

export function addLevelSigns(map: EngineMap, theme: Theme): void {
  for (const level of LEVELS) {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = SIGN_PX * RATIO
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    if (pen === null) continue
    pen.scale(RATIO, RATIO)
    const shape = new Path2D(LEVEL_PATHS[level])
    pen.lineWidth = 2.5
    pen.strokeStyle = PALETTES[theme].halo
    pen.stroke(shape)
    pen.fillStyle = LEVEL_COLOURS[level]
    pen.fill(shape)
    const name = `level-${level}`
    if (map.hasImage(name)) map.removeImage(name)
    map.addImage(name, pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: RATIO })
  }
}
