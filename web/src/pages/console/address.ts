import { ref, watch } from 'vue'

/** What the address of the page keeps, so that a link shows the same picture. */
export type Filter = 'open' | 'unassigned' | 'late' | 'closed'
export const FILTERS: Filter[] = ['open', 'unassigned', 'late', 'closed']

const search = new URLSearchParams(location.search)

export const incidentNumber = ref<number | null>(Number(search.get('incident')) || null)
export const view = ref<string | null>(search.get('view'))
export const filter = ref<Filter>(FILTERS.find((one) => one === search.get('filter')) ?? 'open')

watch([incidentNumber, view, filter], () => {
  const next = new URLSearchParams(location.search)
  const put = (key: string, value: string | null) => (value === null ? next.delete(key) : next.set(key, value))
  put('incident', incidentNumber.value === null ? null : String(incidentNumber.value))
  put('view', view.value)
  put('filter', filter.value === 'open' ? null : filter.value)
  const text = next.toString()
  history.replaceState(null, '', text ? `?${text}` : location.pathname)
})
