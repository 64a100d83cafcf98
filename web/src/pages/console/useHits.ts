import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Candidate, LonLat } from '@/api/types'
import { useOverview } from '@/stores/overview'
import { useSession } from '@/stores/session'

export type Hit =
  | { group: 'incident' | 'crew' | 'report'; key: string; text: string; id?: string; place?: LonLat }
  | { group: 'place'; key: string; candidate: Candidate; index: number }
  | { group: 'lookup'; key: string; by: 'account_no' | 'phone'; text: string }

const MOST = 5
const ACCOUNT = /^[\p{L}\d-]*\d[\p{L}\d-]{3,}$/u
const PHONE = /^\+?\d[\d\s-]{6,}$/

/** Everything a text may mean: work on the screen first, then places, then what is only looked up when it is chosen. */
export function useHits(text: Ref<string>, candidates: Ref<Candidate[]>) {
  const { t } = useI18n()
  const overview = useOverview()
  const session = useSession()

  function numbered(wanted: string): Hit[] {
    const has = (...words: (string | number | null | undefined)[]) => words.some((word) => String(word ?? '').toLowerCase().includes(wanted))
    const incidents = [...overview.incidents.values()]
      .filter((one) => has(one.number, one.street))
      .slice(0, MOST)
      .map((one): Hit => ({ key: one.id, group: 'incident', id: one.id, text: `#${one.number} ${t(`kind.${one.kind}`)} ${one.street ?? ''}` }))
    const crews = [...overview.crews.values()]
      .filter((crew) => has(crew.code, crew.name))
      .slice(0, MOST)
      .map((crew): Hit => ({ key: crew.crew_id, group: 'crew', id: crew.crew_id, text: `${crew.code} ${crew.name}` }))
    const reports = [...overview.reports.values()]
      .filter((report) => report.point && has(report.number))
      .slice(0, MOST)
      .map((report): Hit => ({
        key: report.id,
        group: 'report',
        id: report.incident_id ?? undefined,
        place: report.point ?? undefined,
        text: t('map.hover.report', { number: report.number, category: t(`category.${report.category}`) }),
      }))
    return [...incidents, ...crews, ...reports]
  }

  function lookups(wanted: string): Hit[] {
    if (!session.may('locate.use')) return []
    const found: Hit[] = []
    if (ACCOUNT.test(wanted)) found.push({ key: 'account', group: 'lookup', by: 'account_no', text: t('search.account', { no: wanted }) })
    if (PHONE.test(wanted)) found.push({ key: 'phone', group: 'lookup', by: 'phone', text: t('search.phone', { no: wanted }) })
    return found
  }

  return computed<Hit[]>(() => {
    const wanted = text.value.trim()
    if (!wanted) return []
    const places = candidates.value.map((candidate, index): Hit => ({ key: `place${index}`, group: 'place', candidate, index }))
    return [...numbered(wanted.toLowerCase().replace(/^[#＃]/, '')), ...places, ...lookups(wanted)]
  })
}
