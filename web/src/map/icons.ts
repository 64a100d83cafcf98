import type { Map as EngineMap } from 'maplibre-gl'
import type { Theme } from '@/preferences'
import { ON_TONE, PALETTES, TONES, type Tone } from './palette'

/** Drawn at twice the size they show, so that they stay sharp on dense screens. */
const RATIO = 2

type Draw = (pen: CanvasRenderingContext2D) => void

function picture(width: number, height: number, draw: Draw): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = width * RATIO
  canvas.height = height * RATIO
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  if (pen === null) throw new Error('no 2d canvas')
  pen.scale(RATIO, RATIO)
  pen.lineJoin = 'round'
  pen.lineCap = 'round'
  draw(pen)
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}

function path(pen: CanvasRenderingContext2D, points: [number, number][], close = true): void {
  pen.beginPath()
  points.forEach(([x, y], index) => (index === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)))
  if (close) pen.closePath()
}

/** A bow-tie on its side: open hollow, closed filled, seized crossed. */
function valve(line: string, ground: string, kind: 'open' | 'closed' | 'seized'): ImageData {
  return picture(18, 14, (pen) => {
    path(pen, [[3, 3], [15, 11], [15, 3], [3, 11]])
    pen.fillStyle = kind === 'closed' ? line : ground
    pen.fill()
    pen.strokeStyle = line
    pen.lineWidth = 1.4
    pen.stroke()
    if (kind === 'seized') {
      pen.strokeStyle = TONES.late
      pen.lineWidth = 2
      path(pen, [[5, 1.5], [13, 12.5]], false)
      pen.stroke()
      path(pen, [[13, 1.5], [5, 12.5]], false)
      pen.stroke()
    }
  })
}

/** An arrow in travel direction (north up before it is turned); a rounded square when it stands. */
function crew(fill: string, edge: string, moving: boolean, hollow: boolean): ImageData {
  return picture(26, 26, (pen) => {
    if (moving) {
      path(pen, [[13, 2.5], [21, 22], [13, 17.5], [5, 22]])
    } else {
      pen.beginPath()
      pen.roundRect(6.5, 6.5, 13, 13, 4)
    }
    pen.lineWidth = 4
    pen.strokeStyle = edge
    pen.stroke()
    pen.fillStyle = hollow ? edge : fill
    pen.fill()
    pen.lineWidth = hollow ? 2 : 1
    pen.strokeStyle = hollow ? fill : '#ffffff'
    pen.stroke()
  })
}

/** A flag on a pole; its field stretches with the number written in it. */
function flag(fill: string, edge: string): ImageData {
  return picture(30, 34, (pen) => {
    pen.strokeStyle = edge
    pen.lineWidth = 4
    path(pen, [[4, 4], [4, 31]], false)
    pen.stroke()
    pen.fillStyle = fill
    pen.beginPath()
    pen.roundRect(3, 3, 25, 17, [2, 4, 4, 2])
    pen.strokeStyle = edge
    pen.lineWidth = 2.5
    pen.stroke()
    pen.fill()
    pen.strokeStyle = fill
    pen.lineWidth = 2.2
    path(pen, [[4, 4], [4, 31]], false)
    pen.stroke()
  })
}

/** The flag from afar: no number in it, so that many fit side by side. */
function smallFlag(fill: string, edge: string): ImageData {
  return picture(16, 18, (pen) => {
    path(pen, [[3, 16], [3, 2], [13, 5.5], [3, 9]], false)
    pen.lineWidth = 4
    pen.strokeStyle = edge
    pen.stroke()
    pen.fillStyle = fill
    pen.fill()
    pen.lineWidth = 1.8
    pen.strokeStyle = fill
    pen.stroke()
  })
}

function hatch(colour: string, alpha: number): ImageData {
  return picture(10, 10, (pen) => {
    pen.strokeStyle = colour
    pen.globalAlpha = alpha
    pen.lineWidth = 1.4
    for (const shift of [-10, 0, 10]) {
      path(pen, [[shift, 10], [shift + 10, 0]], false)
      pen.stroke()
    }
  })
}

function numberedDisc(fill: string, edge: string): ImageData {
  return picture(22, 22, (pen) => {
    pen.beginPath()
    pen.arc(11, 11, 8.5, 0, Math.PI * 2)
    pen.fillStyle = fill
    pen.fill()
    pen.lineWidth = 2
    pen.strokeStyle = edge
    pen.stroke()
  })
}

function pin(fill: string, edge: string): ImageData {
  return picture(24, 32, (pen) => {
    pen.beginPath()
    pen.arc(12, 11, 8, Math.PI * 0.85, Math.PI * 0.15)
    pen.lineTo(12, 29)
    pen.closePath()
    pen.lineWidth = 3
    pen.strokeStyle = edge
    pen.stroke()
    pen.fillStyle = fill
    pen.fill()
    pen.beginPath()
    pen.arc(12, 11, 3, 0, Math.PI * 2)
    pen.fillStyle = edge
    pen.fill()
  })
}

/** A place offered: hollow with its number, filled when the reader stands on it. */
function candidate(fill: string, edge: string): ImageData {
  return picture(26, 34, (pen) => {
    pen.beginPath()
    pen.arc(13, 12, 9.5, Math.PI * 0.88, Math.PI * 0.12)
    pen.lineTo(13, 32)
    pen.closePath()
    pen.fillStyle = fill
    pen.fill()
    pen.lineWidth = 2
    pen.strokeStyle = edge
    pen.stroke()
  })
}

/** Barrier tape. */
function tape(red: string): ImageData {
  return picture(12, 12, (pen) => {
    pen.fillStyle = '#ffffff'
    pen.fillRect(0, 0, 12, 12)
    pen.strokeStyle = red
    pen.lineWidth = 4.2
    for (const shift of [-12, 0, 12]) {
      path(pen, [[shift - 2, 14], [shift + 14, -2]], false)
      pen.stroke()
    }
  })
}

/** Give the map every picture it needs; called again when the theme changes. */
export function addIcons(map: EngineMap, theme: Theme): void {
  const colours = PALETTES[theme]
  const put = (name: string, image: ImageData, more: object = {}) => {
    if (map.hasImage(name)) map.removeImage(name)
    map.addImage(name, image, { pixelRatio: RATIO, ...more })
  }
  for (const kind of ['open', 'closed', 'seized'] as const) {
    put(`valve-${kind}`, valve(colours.asset, colours.assetFill, kind))
  }
  for (const tone of Object.keys(TONES) as Tone[]) {
    put(`crew-moving-${tone}`, crew(TONES[tone], colours.halo, true, false))
    put(`crew-standing-${tone}`, crew(TONES[tone], colours.halo, false, false))
    put(`hatch-${tone}`, hatch(TONES[tone], theme === 'dark' ? 0.6 : 0.85))
    put(`flag-small-${tone}`, smallFlag(TONES[tone], colours.halo))
    // Left of the stretch is the pole, right the rounded end; the text sits in `content`.
    put(`flag-${tone}`, flag(TONES[tone], colours.halo), {
      stretchX: [[16, 44]],
      content: [12, 8, 52, 38],
    })
  }
  put('crew-moving-stale', crew(TONES.unknown, colours.halo, true, true))
  put('crew-standing-stale', crew(TONES.unknown, colours.halo, false, true))
  put('plan-valve', numberedDisc(colours.segment, colours.halo))
  put('candidate', candidate(colours.halo, colours.label))
  put('candidate-chosen', candidate(theme === 'dark' ? '#4aa8dc' : '#0b6ea6', colours.halo))
  put('closure', tape(colours.closure))
  put('uncovered', hatch(TONES.late, 0.9))
  put('pin', pin(theme === 'dark' ? '#4aa8dc' : '#0b6ea6', '#ffffff'))
}

export { ON_TONE }
