import type { Theme } from '@/preferences'

/** Status by colour, always beside a shape and a word. The same values stand in styles/tokens.css. */
export const TONES = {
  new: '#e69f00',
  assigned: '#0072b2',
  under_way: '#56b4e9',
  done: '#009e73',
  late: '#d55e00',
  unknown: '#999999',
} as const
export type Tone = keyof typeof TONES

/** Text and marks on a filled tone: near-black or white, whichever reads better. */
export const ON_TONE: Record<Tone, string> = {
  new: '#1a1300',
  assigned: '#ffffff',
  under_way: '#04202f',
  done: '#ffffff',
  late: '#ffffff',
  unknown: '#101315',
}

/** Travel times drawn as bands, minutes; each has its colour below. */
export const REACH_MINUTES = [5, 10, 15] as const

interface MapPalette {
  ground: string
  water: string
  green: string
  building: string
  road: string
  roadMain: string
  roadCasing: string
  roadName: string
  halo: string
  transmission: string
  distribution: string
  service: string
  hydrantLateral: string
  outOfService: string
  asset: string
  assetFill: string
  hydrant: string
  label: string
  route: string
  routeCasing: string
  segment: string
  cutOff: string
  report: [string, string, string]
  way: string
  closure: string
  /** One for each of REACH_MINUTES. */
  reach: [string, string, string]
}

export const PALETTES: Record<Theme, MapPalette> = {
  dark: {
    ground: '#14181b',
    water: '#17303d',
    green: '#162119',
    building: '#1d2327',
    road: '#2a3136',
    roadMain: '#374047',
    roadCasing: '#101416',
    roadName: '#8b969d',
    halo: '#14181b',
    transmission: '#2f7fd6',
    distribution: '#3d9fc4',
    service: '#3f7681',
    hydrantLateral: '#a8605a',
    outOfService: '#5c656b',
    asset: '#9fc7dc',
    assetFill: '#14181b',
    hydrant: '#d9776f',
    label: '#e4e8ea',
    route: '#8fd0f5',
    routeCasing: '#05121a',
    segment: '#ffd166',
    cutOff: '#e59ac6',
    report: ['#ffc857', '#c99a3f', '#7b7466'],
    way: '#d9b3ff',
    closure: '#e0413a',
    reach: ['#f0e442', '#7fc8a9', '#6f8fc9'],
  },
  light: {
    ground: '#f3f4f3',
    water: '#c9e1ee',
    green: '#e3ecdd',
    building: '#e6e7e5',
    road: '#ffffff',
    roadMain: '#ffffff',
    roadCasing: '#d3d6d6',
    roadName: '#6a747b',
    halo: '#ffffff',
    transmission: '#0b4fa8',
    distribution: '#1d87b8',
    service: '#6aa9b5',
    hydrantLateral: '#b5655e',
    outOfService: '#9aa3a8',
    asset: '#28566e',
    assetFill: '#ffffff',
    hydrant: '#c0392b',
    label: '#1b2226',
    route: '#0b6ea6',
    routeCasing: '#ffffff',
    segment: '#b87b00',
    cutOff: '#cc79a7',
    report: ['#b36b00', '#c79a4d', '#a8a294'],
    way: '#7a3fb0',
    closure: '#c62828',
    reach: ['#a08a00', '#1f8a6a', '#3b5ca8'],
  },
}
