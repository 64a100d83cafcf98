import type { ExpressionSpecification, LayerSpecification, Map as EngineMap, StyleSpecification } from 'maplibre-gl'
import { PALETTES } from '@/map/palette'
import { mapStyle } from '@/map/style'
import type { Theme } from '@/preferences'
import { type Change, CHANGE_COLOURS, CHANGES } from './changes'

const RATIO = 2
const SIGN_PX = 16
const LINE: ExpressionSpecification = ['==', ['geometry-type'], 'LineString']
const POINT: ExpressionSpecification = ['==', ['geometry-type'], 'Point']
const is = (change: string): ExpressionSpecification => ['==', ['get', 'change'], change]

const width = (extra: number): ExpressionSpecification => [
  'interpolate',
  ['exponential', 1.5],
  ['zoom'],
  10, 0.6 + extra * 0.6,
  14, 1.4 + extra,
  17, 3 + extra * 1.5,
]

/** Solid, dashed, dotted: the pattern says what the colour says. */
const PATTERNS: Record<Change, number[] | undefined> = { added: undefined, changed: [2.4, 1.3], removed: [0.4, 1.5] }

export const DRAFT_LAYERS = ['draft-line-same', ...CHANGES.map((change) => `draft-line-${change}`), 'draft-point-same', 'draft-sign-line', 'draft-sign-point']

export interface Shown {
  /** The draft to draw; without one the network that serves is drawn. */
  draft: { number: number; mark: string } | null
  /** A network serves already: streets and pipes can be asked for. */
  hasNetwork: boolean
}

/** The map of a draft: streets from the base map, the draft's own tiles above them. */
export function draftStyle(theme: Theme, shown: Shown): StyleSpecification {
  const c = PALETTES[theme]
  const whole = mapStyle(theme)
  const kept = new Set(['base', ...(shown.draft ? [] : ['network'])])
  const base = whole.layers.filter((layer) => !('source' in layer) || (shown.hasNetwork && kept.has(String(layer.source))))
  const sources: StyleSpecification['sources'] = { place: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } } }
  for (const name of kept) {
    const source = whole.sources[name]
    if (shown.hasNetwork && source) sources[name] = source
  }
  const layers: LayerSpecification[] = []
  if (shown.draft) {
    sources.draft = {
      type: 'vector',
      tiles: [`${location.origin}/api/network/versions/${shown.draft.number}/tiles/{z}/{x}/{y}.mvt?of=${encodeURIComponent(shown.draft.mark)}`],
      minzoom: 6,
      maxzoom: 16,
    }
    const of = { source: 'draft', 'source-layer': 'draft' } as const
    layers.push({
      id: 'draft-line-same',
      type: 'line',
      ...of,
      filter: ['all', LINE, is('same')],
      layout: { 'line-cap': 'round' },
      paint: { 'line-color': theme === 'dark' ? '#7d8a93' : '#7a868e', 'line-width': width(0) },
    })
    for (const change of [...CHANGES].reverse()) {
      const pattern = PATTERNS[change]
      layers.push({
        id: `draft-line-${change}`,
        type: 'line',
        ...of,
        filter: ['all', LINE, is(change)],
        layout: { 'line-cap': change === 'changed' ? 'butt' : 'round' },
        paint: {
          'line-color': CHANGE_COLOURS[change],
          'line-width': width(1.4),
          ...(pattern ? { 'line-dasharray': pattern } : {}),
        },
      })
    }
    layers.push(
      {
        id: 'draft-point-same',
        type: 'circle',
        ...of,
        filter: ['all', POINT, is('same')],
        paint: {
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 14, 2, 17, 4],
          'circle-color': c.assetFill,
          'circle-stroke-color': c.asset,
          'circle-stroke-width': 1.2,
        },
      },
      ...(['line', 'point'] as const).map(
        (where): LayerSpecification => ({
          id: `draft-sign-${where}`,
          type: 'symbol',
          ...of,
          minzoom: 12,
          filter: ['all', where === 'line' ? LINE : POINT, ['!=', ['get', 'change'], 'same']],
          layout: {
            'icon-image': ['concat', 'change-', ['get', 'change']],
            'icon-size': ['interpolate', ['linear'], ['zoom'], 12, 0.6, 16, where === 'line' ? 1 : 0.9],
            'icon-padding': 1,
            'icon-rotation-alignment': 'viewport',
            'symbol-placement': where === 'line' ? 'line-center' : 'point',
            'symbol-sort-key': ['match', ['get', 'change'], 'removed', 0, 'changed', 1, 2],
          },
        }),
      ),
    )
  }
  layers.push({
    id: 'place',
    type: 'circle',
    source: 'place',
    paint: {
      'circle-radius': 14,
      'circle-color': c.segment,
      'circle-opacity': 0.2,
      'circle-stroke-color': c.segment,
      'circle-stroke-width': 2.5,
    },
  })
  return { version: 8, sources, layers: [...base, ...layers] }
}

/** The same signs as in the lists: a plus in a disc, a wave in a square, a cross in a diamond. */
export function addSigns(map: EngineMap): void {
  for (const change of CHANGES) {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = SIGN_PX * RATIO
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    if (pen === null) continue
    pen.scale((SIGN_PX * RATIO) / 14, (SIGN_PX * RATIO) / 14)
    pen.fillStyle = CHANGE_COLOURS[change]
    pen.beginPath()
    if (change === 'added') pen.arc(7, 7, 6.4, 0, Math.PI * 2)
    else if (change === 'changed') pen.roundRect(1, 1, 12, 12, 2)
    else [[7, 0.4], [13.6, 7], [7, 13.6], [0.4, 7]].forEach(([x = 0, y = 0]) => pen.lineTo(x, y))
    pen.fill()
    pen.strokeStyle = change === 'changed' ? '#1a1300' : '#ffffff'
    pen.lineWidth = 1.8
    pen.lineCap = 'round'
    const marks = { added: 'M7 4v6M4 7h6', changed: 'M3.6 7.6c1.2-2 2.2-2 3.4-.6s2.2 1.4 3.4-.6', removed: 'M5.2 5.2l3.6 3.6M8.8 5.2 5.2 8.8' }
    pen.stroke(new Path2D(marks[change]))
    const name = `change-${change}`
    if (map.hasImage(name)) map.removeImage(name)
    map.addImage(name, pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: RATIO })
  }
}
