import { defineStore } from 'pinia'
import { computed, ref, shallowRef, triggerRef } from 'vue'
import { api } from '@/api/client'
import { openLive, type LiveStream } from '@/api/live'
import type { Counts, CrewOnMap, CrewsMoved, IncidentOnMap, Overview, ReportOnMap } from '@/api/types'

/** States in which an incident needs nobody any more. */
export const OVER = new Set(['closed', 'dismissed', 'merged'])

/** One picture for lists and map: a snapshot, then what the live stream adds. */
export const useOverview = defineStore('overview', () => {
  const incidents = shallowRef(new Map<string, IncidentOnMap>())
  const crews = shallowRef(new Map<string, CrewOnMap>())
  const reports = shallowRef(new Map<string, ReportOnMap>())
  const counts = ref<Counts>({ callbacks_due: 0, reports_unlocated: 0 })
  const loaded = ref(false)
  const failed = ref<unknown>(null)
  /** Goes up when something of the kind changed: panels that show details load them again. */
  const changes = ref({ incident: 0, work_order: 0, report: 0, callback: 0 })
  const changedIncident = ref<string | null>(null)
  let stream: LiveStream | null = null
  const live = shallowRef<LiveStream | null>(null)

  function replace(picture: Overview): void {
    incidents.value = new Map(picture.incidents.map((one) => [one.id, one]))
    crews.value = new Map(picture.crews.map((one) => [one.crew_id, one]))
    reports.value = new Map(picture.reports.map((one) => [one.id, one]))
    counts.value = picture.counts
    loaded.value = true
    failed.value = null
  }

  function moveCrews(batch: CrewsMoved): void {
    for (const moved of batch.items) crews.value.set(moved.crew_id, moved)
    for (const gone of batch.removed) crews.value.delete(gone)
    triggerRef(crews)
  }

  function putIncident(incident: IncidentOnMap): void {
    incidents.value.set(incident.id, incident)
    triggerRef(incidents)
    changes.value.incident += 1
    changedIncident.value = incident.id
  }

  function putReport(report: ReportOnMap): void {
    reports.value.set(report.id, report)
    triggerRef(reports)
    changes.value.report += 1
  }

  async function load(): Promise<void> {
    try {
      replace(await api.get<Overview>('/api/map/overview'))
    } catch (error) {
      failed.value = error
    }
  }

  function start(): void {
    if (stream) return
    void load()
    stream = openLive({
      snapshot: replace,
      crews: moveCrews,
      incident: putIncident,
      report: putReport,
      work_order: () => {
        changes.value.work_order += 1
      },
      callback: () => {
        changes.value.callback += 1
      },
      counts: (next: Counts) => {
        counts.value = next
      },
    })
    live.value = stream
  }

  const openIncidents = computed(() => [...incidents.value.values()].filter((one) => !OVER.has(one.state)))

  return { incidents, crews, reports, counts, loaded, failed, changes, changedIncident, live, openIncidents, start, load }
})
