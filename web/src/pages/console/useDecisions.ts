import { type Ref, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { api } from '@/api/client'
import type { Incident, IncidentOnMap } from '@/api/types'
import { useNotices } from '@/notices'
import { useUndo } from '@/stores/undo'

export type Asked = 'dismiss' | 'close' | 'merge'

/** What a dispatcher decides about the incident chosen, one decision at a time, each with its way back where there is one. */
export function useDecisions(selected: Ref<IncidentOnMap | null>, load: () => Promise<void>, select: (id: string) => void) {
  const { t } = useI18n()
  const { done, refused } = useNotices()
  const undo = useUndo()
  const busy = ref(false)
  /** What needs a reason, or another incident, before it is done. */
  const asking = ref<Asked | null>(null)
  const askError = ref<unknown>(null)
  /** Reports marked to be split off. */
  const chosen = ref<string[]>([])
  /** What is being decided: taking it back waits for its answer, since the live stream may show it before. */
  let deciding: Promise<void> = Promise.resolve()

  async function decide(path: string, body: object): Promise<Incident | null> {
    if (!selected.value || busy.value) return null
    busy.value = true
    askError.value = null
    try {
      const answer = await api.post<Incident>(`/api/incidents/${selected.value.id}/${path}`, body)
      await load()
      return answer
    } catch (refusal) {
      if (asking.value) askError.value = refusal
      else refused(refusal)
      return null
    } finally {
      busy.value = false
    }
  }

  async function revert(path: string, body: object = {}): Promise<void> {
    await api.post(path, body)
    await load()
  }

  async function confirmed(): Promise<void> {
    const incident = selected.value
    if (incident && (await decide('confirm', {}))) {
      undo.offer({ text: t('done.confirm', { number: incident.number }), back: () => revert(`/api/incidents/${incident.id}/unconfirm`) })
    }
  }

  /** The older of two goes on; the other may be taken out again. */
  async function merged(into: string): Promise<void> {
    const incident = selected.value
    const heir = incident && (await decide('merge', { into_incident_id: into }))
    if (!incident || !heir) return
    asking.value = null
    const absorbed = heir.id === incident.id ? into : incident.id
    undo.offer({ text: t('done.merge', { number: heir.number }), back: () => revert(`/api/incidents/${absorbed}/unmerge`) })
    select(heir.id)
  }

  function confirm(): void {
    deciding = confirmed()
  }

  function ask(action: Asked): void {
    askError.value = null
    asking.value = action
  }

  async function answered(answer: { why: string; cause: string; into?: string }): Promise<void> {
    const action = asking.value
    if (!action) return
    if (action === 'merge') {
      await (deciding = merged(answer.into ?? ''))
      return
    }
    const body = action === 'close' ? { why: answer.why, cause: answer.cause } : { why: answer.why }
    if (!(await decide(action, body))) return
    asking.value = null
    done(t(`done.${action}`))
  }

  async function split(): Promise<void> {
    if (chosen.value.length === 0) return
    const incident = selected.value
    const child = await decide('split', { report_ids: chosen.value })
    if (!incident || !child) return
    chosen.value = []
    undo.offer({
      text: t('done.split', { number: child.number }),
      back: () => revert(`/api/incidents/${child.id}/merge`, { into_incident_id: incident.id }),
    })
  }

  /** Take a merged incident out of its heir, long after the merge. */
  async function unmerge(): Promise<void> {
    const incident = selected.value
    if (incident && (await decide('unmerge', {}))) done(t('done.unmerge', { number: incident.number }))
  }

  async function takeBack(): Promise<void> {
    await deciding
    await undo.takeBack().catch(refused)
  }

  return { busy, asking, askError, chosen, confirm, ask, answered, split, unmerge, takeBack }
}
