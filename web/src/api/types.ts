/** What goes over the wire, in the words of the server's OpenAPI. Times are ISO 8601 UTC; lengths metres, durations seconds. */
export interface LonLat {
  lon: number
  lat: number
}
export interface Page<T> {
  items: T[]
  next: string | null
}

export interface Me {
  username: string
  display_name: string
  language: 'zh' | 'en'
  operations: string[]
  fields: string[]
  crew_id: string | null
}

// ── maps ─────────────────────────────────────────────────────────────────
export interface MapExtent {
  name: string
  bounds: [number, number, number, number]
  center: LonLat
}
export interface IncidentOnMap {
  id: string
  number: number
  kind: string
  state: string
  level: string
  priority: number
  point: LonLat
  street: string | null
  segment_ids: number[]
  zone: GeoJSON.MultiPolygon | GeoJSON.Polygon | null
  report_count: number
  customers_without_water: number
  crew_codes: string[]
  opened_at: string
  due_at: string | null
  closed_at: string | null
}
export interface CrewJobOnMap {
  assignment_id: string
  state: string
  work_order_id: string
  incident_id: string | null
  incident_number: number | null
  travel_time_s: number | null
  /** When the crew set out; empty before. */
  started_at: string | null
}
export interface CrewOnMap {
  crew_id: string
  code: string
  name: string
  lon: number | null
  lat: number | null
  course_deg: number | null
  speed_mps: number | null
  presence: string
  status: string
  recorded_at: string | null
  job: CrewJobOnMap | null
}
export interface ReportOnMap {
  id: string
  number: number
  state: string
  category: string
  point: LonLat | null
  incident_id: string | null
  received_at: string
}
export interface Overview {
  at: string
  incidents: IncidentOnMap[]
  crews: CrewOnMap[]
  reports: ReportOnMap[]
  counts: OverviewCounts
}
export interface OverviewCounts {
  callbacks_due: number
  reports_unlocated: number
}

// ── dispatch ─────────────────────────────────────────────────────────────
export interface AttachedReport {
  report_id: string
  report_number: number
  category: string
  attached_at: string
  decision: string
  reason: string
}
export interface TimelineEntry {
  at: string
  /** In the reader's language. */
  what: string
  who: string | null
  why: string
}
export interface ValveToClose {
  id: string
  asset_code: string
  point: LonLat
  order: number
}
export interface IsolationPlan {
  pipe_id: string
  segment_ids: number[]
  segment_pipes: string[]
  valves_to_close: ValveToClose[]
  /** Ids, or with codes where an incident's own plan is read. */
  valves_already_closed: (string | ValveToClose)[]
  cut_off_pipes: string[]
  customers: number
  length_m: number
}
export interface WorkOrder {
  id: string
  number: number
  kind: string
  state: string
  priority: number
  incident_id: string | null
  is_late: boolean
  crew_code: string | null
  assignment_state: string | null
  created_at: string
}
/** An incident as a line of dispatch's own list. */
export interface Incident extends Omit<IncidentOnMap, 'zone'> {
  cause: string | null
}
export interface IncidentDetail {
  id: string
  number: number
  kind: string
  state: string
  level: string
  priority: number
  place: { point: LonLat; street: string | null }
  pipe_id: string | null
  segment_ids: number[]
  customers_without_water: number
  reports: AttachedReport[]
  timeline: TimelineEntry[]
  plan: IsolationPlan | null
  work_orders: WorkOrder[]
  opened_at: string
}
export interface RankedCrew {
  crew_id: string
  code: string
  name: string
  travel_time_s: number | null
  distance_m: number | null
  straight_line_m: number | null
  eligible: boolean
  reason_code: string | null
  reason: string | null
  position_age_s: number | null
  route: GeoJSON.LineString | null
}

// ── hotline ──────────────────────────────────────────────────────────────
export type Category = 'no_water' | 'low_pressure' | 'leak' | 'water_quality' | 'other'
export type Extent = 'only_me' | 'building' | 'street' | 'unknown'

export interface Location {
  point: LonLat
  pipe_id: string | null
  pipe_code: string | null
  chainage_m: number | null
  side: string | null
  segment_id: number | null
  zone_id: string | null
  method: string
  confidence: number
  distance_m: number | null
  address_text: string | null
  alternatives: Location[]
}
/** What did not lead to a place. */
export interface Tried {
  ways: string[]
  problem: string | null
  guess: Location | null
}
export interface Report {
  id: string
  number: number
  state: string
  category: Category
  tried: Tried | null
  incident_number: number | null
  description: string
  caller: { name: string | null; phone: string | null }
  location: Location | null
  address_text: string | null
  incident_id: string | null
  case_id: string | null
  repeat_of: string | null
  received_at: string
  noticed_at: string | null
}
export interface NewReport {
  client_id: string
  channel: string
  category: Category
  description: string
  caller: { name?: string; phone?: string }
  account_no?: string
  address_text?: string
  point?: LonLat
  extent?: Extent
}
export interface KnownOutage {
  incident_id: string
  incident_number: number
  cause: string
  /** None when it is unknown or past its review: then nothing is promised. */
  estimate_at: string | null
  /** What to tell the caller, in the reader's language. */
  say: string
}
export interface CallerAccount {
  account_no: string
  name: string | null
  address_text: string | null
  customer_class?: string | null
  location: Location | null
}
export interface CallerLookup {
  accounts: CallerAccount[]
  recent_reports: Report[]
  known_outage: KnownOutage | null
}
export interface AddressSuggestion {
  text: string
  point: LonLat
  address_id?: string
}
export interface Callback {
  id: string
  state: string
  report_id: string
  report_number: number
  incident_id: string | null
  incident_number: number | null
  category: Category
  cause: string | null
  caller: { name: string | null; phone: string | null }
  address_text: string | null
  script: string
  due_at: string
  not_before_at: string
  attempts: number
  claimed_by: string | null
}
export type CallbackOutcome = 'satisfied' | 'dissatisfied' | 'still_without' | 'not_reached'
