import type { ExpressionSpecification, FilterSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'
import type { Theme } from '@/preferences'
import { litFilter } from './lit'
import { ON_TONE, PALETTES, TONES } from './palette'

/** Layers the reader switches together. */
export const GROUPS = {
  roads: ['road-casing', 'road', 'road-name'],
  buildings: ['building'],
  pipes: ['pipe', 'pipe-off', 'pipe-label'],
  valves: ['valve'],
  hydrants: ['hydrant'],
  zones: ['zone-hatch', 'zone-edge'],
  reports: ['report'],
  incidents: ['incident-far', 'incident'],
  crews: ['crew-route-casing', 'crew-route', 'crew', 'crew-name'],
  closures: ['closure-fill', 'closure-casing', 'closure-edge'],
} as const
export type Group = keyof typeof GROUPS

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }

/** From this zoom on an incident's flag holds its number. */
const FLAG_ZOOM = 12.5

/** Own sources, filled by MapView. */
export const LIVE_SOURCES = [
  'zones', 'reports', 'incidents', 'crews', 'routes', 'plan', 'place',
  'candidates', 'way', 'reach', 'uncovered', 'closures', 'sketch',
] as const
export type LiveSource = (typeof LIVE_SOURCES)[number]

/** Width by zoom, growing with the diameter: 2 px for DN 100 and 7 px for DN 1000 at street zoom. */
const pipeWidth = (factor = 1, extra = 0): ExpressionSpecification => [
  'interpolate',
  ['exponential', 1.5],
  ['zoom'],
  10, ['+', extra, ['*', factor, ['interpolate', ['linear'], ['get', 'diameter_mm'], 100, 0.3, 1000, 1.6]]],
  14, ['+', extra, ['*', factor, ['interpolate', ['linear'], ['get', 'diameter_mm'], 100, 0.9, 1000, 3.6]]],
  17, ['+', extra, ['*', factor, ['interpolate', ['linear'], ['get', 'diameter_mm'], 100, 2, 1000, 7]]],
]

const roadWidth = (extra: number): ExpressionSpecification => [
  'interpolate',
  ['exponential', 1.6],
  ['zoom'],
  10, ['+', extra * 0.4, ['match', ['get', 'rank'], 1, 1.6, 2, 1, 0.4]],
  14, ['+', extra, ['match', ['get', 'rank'], 1, 4.5, 2, 3, 3, 1.8, 1]],
  17, ['+', extra, ['match', ['get', 'rank'], 1, 18, 2, 14, 3, 10, 4]],
]

const tone = (otherwise: string, table: Record<string, string>): ExpressionSpecification =>
  ['match', ['get', 'tone'], ...Object.entries(table).flat(), otherwise] as unknown as ExpressionSpecification

/** Bands of travel time, the nearest first. */
const band = (colours: readonly string[]): ExpressionSpecification =>
  ['match', ['get', 'band'], 0, colours[0], 1, colours[1], colours[2]] as unknown as ExpressionSpecification

const inService: FilterSpecification = ['all', ['==', ['get', 'in_service'], true], ['==', ['get', 'is_closed'], false]]

export function mapStyle(theme: Theme): StyleSpecification {
  const c = PALETTES[theme]
  const tiles = (name: string) => [`${location.origin}/api/tiles/${name}/{z}/{x}/{y}.mvt`]
  const text = { 'text-font': ['sans-serif'] }
  const layers: LayerSpecification[] = [
    { id: 'ground', type: 'background', paint: { 'background-color': c.ground } },
    {
      id: 'land',
      type: 'fill',
      source: 'base',
      'source-layer': 'water',
      paint: { 'fill-color': ['match', ['get', 'kind'], 'green', c.green, c.water] },
    },
    {
      id: 'building',
      type: 'fill',
      source: 'base',
      'source-layer': 'buildings',
      minzoom: 14,
      paint: { 'fill-color': c.building, 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 14, 0.3, 15.5, 1] },
    },
    {
      id: 'road-casing',
      type: 'line',
      source: 'base',
      'source-layer': 'roads',
      minzoom: 12,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.roadCasing, 'line-width': roadWidth(1.5) },
    },
    {
      id: 'road',
      type: 'line',
      source: 'base',
      'source-layer': 'roads',
      layout: { 'line-cap': 'round', 'line-join': 'round', 'line-sort-key': ['-', 0, ['get', 'rank']] },
      paint: { 'line-color': ['match', ['get', 'rank'], [1, 2], c.roadMain, c.road], 'line-width': roadWidth(0) },
    },
    {
      id: 'uncovered',
      type: 'fill',
      source: 'uncovered',
      paint: { 'fill-pattern': 'uncovered', 'fill-opacity': 0.75 },
    },
    {
      id: 'reach-fill',
      type: 'fill',
      source: 'reach',
      paint: { 'fill-color': band(c.reach), 'fill-opacity': 0.16 },
    },
    {
      id: 'reach-edge',
      type: 'line',
      source: 'reach',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': band(c.reach), 'line-width': 2.2 },
    },
    {
      id: 'closure-fill',
      type: 'fill',
      source: 'closures',
      paint: { 'fill-pattern': 'closure', 'fill-opacity': 0.55 },
    },
    {
      id: 'closure-casing',
      type: 'line',
      source: 'closures',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#ffffff', 'line-width': 4.5 },
    },
    {
      id: 'closure-edge',
      type: 'line',
      source: 'closures',
      paint: { 'line-color': c.closure, 'line-width': 4.5, 'line-dasharray': [1.6, 1.6] },
    },
    {
      id: 'zone-hatch',
      type: 'fill',
      source: 'zones',
      paint: {
        'fill-pattern': ['concat', 'hatch-', ['get', 'tone']],
        'fill-opacity': ['match', ['get', 'extent'], 'inner', 1, 'outer', 0.4, ['case', ['get', 'selected'], 0.95, 0.6]],
      },
    },
    {
      id: 'zone-edge',
      type: 'line',
      source: 'zones',
      paint: {
        'line-color': tone(TONES.unknown, TONES),
        'line-width': ['match', ['get', 'extent'], 'outer', 9, ['case', ['get', 'selected'], 2.5, 1.5]],
        'line-opacity': ['match', ['get', 'extent'], 'inner', 0.95, 'outer', 0.5, 0.7],
        'line-blur': ['match', ['get', 'extent'], 'outer', 8, 1.5],
      },
    },
    {
      id: 'plan-pipe',
      type: 'line',
      source: 'plan',
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-cap': 'round' },
      paint: {
        'line-color': ['case', ['get', 'cut_off'], c.cutOff, c.segment],
        'line-width': ['interpolate', ['linear'], ['zoom'], 12, 4, 17, 11],
        'line-opacity': 0.55,
      },
    },
    {
      id: 'pipe-lit',
      type: 'line',
      source: 'network',
      'source-layer': 'pipes',
      filter: litFilter(null),
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.label, 'line-width': pipeWidth(1, 9), 'line-opacity': 0.85 },
    },
    {
      id: 'pipe',
      type: 'line',
      source: 'network',
      'source-layer': 'pipes',
      filter: inService,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': [
          'match',
          ['get', 'pipe_class'],
          'transmission', c.transmission,
          'service', c.service,
          'hydrant_lateral', c.hydrantLateral,
          c.distribution,
        ],
        'line-width': pipeWidth(),
      },
    },
    {
      id: 'pipe-off',
      type: 'line',
      source: 'network',
      'source-layer': 'pipes',
      filter: ['!', inService as ExpressionSpecification],
      paint: { 'line-color': c.outOfService, 'line-width': pipeWidth(), 'line-dasharray': [2, 1.5] },
    },
    {
      id: 'hydrant',
      type: 'circle',
      source: 'network',
      'source-layer': 'hydrants',
      minzoom: 15,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 15, 1.4, 17, 2.6, 19, 4.5],
        'circle-color': c.hydrant,
        'circle-stroke-color': c.halo,
        'circle-stroke-width': 1,
      },
    },
    {
      id: 'valve',
      type: 'symbol',
      source: 'network',
      'source-layer': 'valves',
      minzoom: 15,
      layout: {
        'icon-image': ['concat', 'valve-', ['get', 'mark']],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 15, 0.55, 18, 1.1],
        'icon-allow-overlap': true,
        'icon-rotate': ['coalesce', ['get', 'bearing_deg'], 0],
        'icon-rotation-alignment': 'map',
      },
    },
    {
      id: 'crew-route-casing',
      type: 'line',
      source: 'routes',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.routeCasing, 'line-width': 8, 'line-opacity': 0.85 },
    },
    {
      id: 'crew-route',
      type: 'line',
      source: 'routes',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.route, 'line-width': 3.5 },
    },
    {
      id: 'way-casing',
      type: 'line',
      source: 'way',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.routeCasing, 'line-width': 9, 'line-opacity': 0.9 },
    },
    {
      id: 'way',
      type: 'line',
      source: 'way',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.way, 'line-width': 4.5 },
    },
    {
      id: 'way-end',
      type: 'circle',
      source: 'way',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': 5,
        'circle-color': c.routeCasing,
        'circle-stroke-color': c.way,
        'circle-stroke-width': 3,
      },
    },
    {
      id: 'sketch-fill',
      type: 'fill',
      source: 'sketch',
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': c.closure, 'fill-opacity': 0.18 },
    },
    {
      id: 'sketch-edge',
      type: 'line',
      source: 'sketch',
      paint: { 'line-color': c.closure, 'line-width': 2, 'line-dasharray': [3, 2] },
    },
    {
      id: 'sketch-corner',
      type: 'circle',
      source: 'sketch',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': 4, 'circle-color': '#ffffff', 'circle-stroke-color': c.closure, 'circle-stroke-width': 2 },
    },
    {
      id: 'reach-name',
      type: 'symbol',
      source: 'reach',
      layout: {
        ...text,
        'symbol-placement': 'line',
        'symbol-spacing': 220,
        'text-field': ['get', 'label'],
        'text-size': 11,
        'text-max-angle': 40,
      },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.8 },
    },
    {
      id: 'road-name',
      type: 'symbol',
      source: 'base',
      'source-layer': 'roads',
      minzoom: 14,
      filter: ['has', 'name'],
      layout: {
        ...text,
        'symbol-placement': 'line',
        'symbol-spacing': 320,
        'text-field': ['get', 'name'],
        'text-size': ['interpolate', ['linear'], ['zoom'], 14, 10, 17, 12],
        'text-max-angle': 30,
        'text-padding': 8,
      },
      paint: { 'text-color': c.roadName, 'text-halo-color': c.halo, 'text-halo-width': 1.4 },
    },
    {
      id: 'pipe-label',
      type: 'symbol',
      source: 'network',
      'source-layer': 'pipes',
      minzoom: 17,
      layout: {
        ...text,
        'symbol-placement': 'line',
        'symbol-spacing': 400,
        'text-field': ['concat', 'DN ', ['to-string', ['get', 'diameter_mm']]],
        'text-size': 10,
        'text-offset': [0, -0.9],
        'text-padding': 12,
      },
      paint: { 'text-color': c.distribution, 'text-halo-color': c.halo, 'text-halo-width': 1.4 },
    },
    {
      id: 'report',
      type: 'circle',
      source: 'reports',
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 11, 3, 16, 6.5],
        'circle-color': c.halo,
        'circle-opacity': 0.5,
        'circle-stroke-width': 2.2,
        'circle-stroke-color': ['match', ['get', 'age'], 'fresh', c.report[0], 'recent', c.report[1], c.report[2]],
      },
    },
    {
      id: 'plan-valve',
      type: 'symbol',
      source: 'plan',
      filter: ['==', ['geometry-type'], 'Point'],
      layout: {
        ...text,
        'icon-image': ['case', ['get', 'stuck'], 'valve-seized', 'plan-valve'],
        'icon-allow-overlap': true,
        'text-field': ['case', ['get', 'stuck'], '', ['to-string', ['get', 'order']]],
        'text-size': 11,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': theme === 'dark' ? '#1a1300' : '#ffffff' },
    },
    {
      id: 'candidate',
      type: 'symbol',
      source: 'candidates',
      layout: {
        ...text,
        'icon-image': ['case', ['get', 'chosen'], 'candidate-chosen', 'candidate'],
        'icon-anchor': 'bottom',
        'icon-allow-overlap': true,
        'text-field': ['get', 'number'],
        'text-size': 11,
        'text-offset': [0, -1.65],
        'text-allow-overlap': true,
        'symbol-sort-key': ['get', 'rank'],
      },
      paint: { 'text-color': ['case', ['get', 'chosen'], theme === 'dark' ? '#0b1720' : '#ffffff', c.label] },
    },
    {
      id: 'place',
      type: 'symbol',
      source: 'place',
      layout: { 'icon-image': 'pin', 'icon-anchor': 'bottom', 'icon-allow-overlap': true },
    },
    {
      id: 'crew',
      type: 'symbol',
      source: 'crews',
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-rotate': ['get', 'course_deg'],
        'icon-rotation-alignment': 'map',
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 10, 0.6, 14, 0.95],
      },
    },
    {
      id: 'crew-name',
      type: 'symbol',
      source: 'crews',
      minzoom: 11,
      layout: {
        ...text,
        'text-field': ['get', 'code'],
        'text-size': 11,
        'text-variable-anchor': ['top', 'bottom', 'right', 'left'],
        'text-radial-offset': 1.15,
        'text-optional': true,
        'text-padding': 3,
      },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.6 },
    },
    {
      id: 'incident-far',
      type: 'symbol',
      source: 'incidents',
      maxzoom: FLAG_ZOOM,
      layout: {
        ...text,
        'icon-image': ['concat', 'flag-small-', ['get', 'tone']],
        'icon-anchor': 'bottom-left',
        'icon-allow-overlap': true,
        'text-field': ['get', 'label'],
        'text-size': 11,
        'text-anchor': 'left',
        'text-offset': [1.1, -0.9],
        'text-optional': true,
        'symbol-sort-key': ['-', 0, ['get', 'rank']],
      },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.6 },
    },
    {
      id: 'incident',
      type: 'symbol',
      source: 'incidents',
      minzoom: FLAG_ZOOM,
      layout: {
        ...text,
        'icon-image': ['concat', 'flag-', ['get', 'tone']],
        'icon-text-fit': 'width',
        'icon-allow-overlap': true,
        'text-allow-overlap': true,
        'text-field': ['get', 'label'],
        'text-size': ['case', ['get', 'selected'], 13, 11],
        'text-anchor': 'left',
        'text-offset': [0.45, -1.85],
        'symbol-sort-key': ['get', 'rank'],
      },
      paint: { 'text-color': tone(ON_TONE.unknown, ON_TONE) },
    },
  ]
  return {
    version: 8,
    sources: {
      base: { type: 'vector', tiles: tiles('base'), minzoom: 9, maxzoom: 16 },
      network: { type: 'vector', tiles: tiles('network'), minzoom: 9, maxzoom: 16 },
      ...Object.fromEntries(LIVE_SOURCES.map((id) => [id, { type: 'geojson', data: EMPTY, tolerance: 0.1 }])),
    },
    layers,
  } as StyleSpecification
}
