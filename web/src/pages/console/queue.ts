import type { IncidentOnMap } from '@/api/types'
import { isLate } from '@/status'
import { OVER } from '@/stores/overview'
import type { Filter } from './address'

export function passes(incident: IncidentOnMap, filter: Filter, at: number): boolean {
  if (filter === 'closed') return OVER.has(incident.state)
  if (OVER.has(incident.state)) return false
  if (filter === 'late') return isLate(incident, at)
  if (filter === 'unassigned') return incident.crew_codes.length === 0
  return true
}

/** Most urgent first; of equals the one that waits longest. Closed ones: the latest first. */
export function inOrder(incidents: IncidentOnMap[], filter: Filter): IncidentOnMap[] {
  const opened = (one: IncidentOnMap) => Date.parse(one.opened_at)
  if (filter === 'closed') return incidents.sort((a, b) => opened(b) - opened(a))
  return incidents.sort((a, b) => a.priority - b.priority || opened(a) - opened(b))
}
