import type { Rectification, RectificationState } from '@/api/types'
import type { Tone } from '@/map/palette'

export const CASE_FILTERS = ['living', 'overdue', 'all'] as const
export type CaseFilter = (typeof CASE_FILTERS)[number]

export const STEPS = ['analyse', 'plan', 'finish', 'send-back', 'verify', 'observe', 'reopen'] as const
export type Step = (typeof STEPS)[number]
/** Why must be said when somebody's word is taken back. */
export const NEEDS_REASON: readonly Step[] = ['send-back', 'reopen']

const TONES: Record<RectificationState, Tone> = {
  open: 'new',
  analysed: 'assigned',
  planned: 'under_way',
  done: 'under_way',
  verified: 'done',
  observing: 'done',
  closed: 'unknown',
}

export function toneOfCase(one: Rectification): Tone {
  return one.is_overdue ? 'late' : TONES[one.state as RectificationState]
}

const STEPS_FROM: Record<RectificationState, Step[]> = {
  open: ['analyse'],
  analysed: ['plan', 'analyse'],
  planned: ['finish', 'plan', 'analyse'],
  done: ['verify', 'send-back', 'reopen'],
  verified: ['observe', 'reopen'],
  observing: ['reopen'],
  closed: ['reopen'],
}

/** Steps offered; the server has the last word. */
export function stepsOf(one: Rectification): Step[] {
  return STEPS_FROM[one.state as RectificationState].filter((step) => step !== 'reopen' || one.done_at !== null)
}
