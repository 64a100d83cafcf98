import type { IncidentDetail, RingBacks } from '@/api/types'

export type Happening =
  | { at: string; is: 'step'; step: IncidentDetail['timeline'][number] }
  | { at: string; is: 'report'; report: IncidentDetail['reports'][number] }
  | { at: string; is: 'answer'; answer: RingBacks['asked'][number] }

/** Everything that happened to an incident: its steps, the reports it was given and what customers said when rung, oldest first. */
export function historyOf(detail: IncidentDetail, asked: RingBacks['asked']): Happening[] {
  return [
    ...detail.reports.map((report) => ({ at: report.attached_at, is: 'report' as const, report })),
    ...detail.timeline.map((step) => ({ at: step.at, is: 'step' as const, step })),
    ...asked.map((answer) => ({ at: answer.at, is: 'answer' as const, answer })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}
