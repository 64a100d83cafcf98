import type { CrewOnMap, IncidentOnMap } from './api/types'
import type { Tone } from './map/palette'

const INCIDENT_TONES: Record<string, Tone> = {
  suspected: 'new',
  reopened: 'new',
  confirmed: 'assigned',
  isolating: 'under_way',
  isolated: 'under_way',
  repairing: 'under_way',
  restoring: 'under_way',
  closed: 'done',
}

export function isLate(incident: Pick<IncidentOnMap, 'due_at' | 'closed_at'>, at: number): boolean {
  return incident.due_at !== null && incident.closed_at === null && Date.parse(incident.due_at) < at
}

export function incidentTone(incident: Pick<IncidentOnMap, 'state' | 'due_at' | 'closed_at'>, at: number): Tone {
  if (isLate(incident, at)) return 'late'
  return INCIDENT_TONES[incident.state] ?? 'unknown'
}

const CREW_TONES: Record<string, Tone> = {
  free: 'done',
  offered: 'new',
  accepted: 'assigned',
  dispatched: 'assigned',
  en_route: 'under_way',
}

/** A crew at work has the colour of assigned work and stands still: a square, where one on its way is an arrow. */
export function crewTone(crew: Pick<CrewOnMap, 'presence' | 'status'>): Tone {
  if (crew.presence === 'offline' || crew.presence === 'off_duty' || crew.status === 'off_duty') return 'unknown'
  if (crew.status === 'on_site') return 'assigned'
  return CREW_TONES[crew.status] ?? 'unknown'
}

const WORK_ORDER_TONES: Record<string, Tone> = {
  proposed: 'new',
  scheduled: 'assigned',
  under_way: 'under_way',
  suspended: 'late',
  done: 'done',
  verified: 'done',
}
export function workOrderTone(state: string): Tone {
  return WORK_ORDER_TONES[state] ?? 'unknown'
}

export function reportTone(report: { state: string; incident_id: string | null }): Tone {
  if (report.state === 'unlocated') return 'late'
  return report.incident_id ? 'assigned' : 'new'
}
