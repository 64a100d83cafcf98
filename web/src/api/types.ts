/** The server's bodies under the names the pages use; `schema.d.ts` is written from its OpenAPI. Lengths in metres, durations in seconds. */
import type { components } from './schema'

type Bodies = components['schemas']

export type LonLat = Bodies['PointOut']
export type Me = Bodies['MeOut']
export type Clock = Bodies['ClockOut']
export interface Page<T> {
  items: T[]
  next?: string | null
}

// ── maps ─────────────────────────────────────────────────────────────────
export type MapExtent = Bodies['MapExtentOut']
export type Zone = GeoJSON.MultiPolygon | GeoJSON.Polygon
export type IncidentOnMap = Omit<Bodies['IncidentOnMap'], 'zone'> & { zone: Zone | null }
export type CrewOnMap = Bodies['CrewOnMap']
export type ReportOnMap = Bodies['ReportOnMap']
export type Counts = Bodies['CountsOut']
export type Overview = Omit<Bodies['OverviewOut'], 'incidents'> & { incidents: IncidentOnMap[] }
/** What the live stream says of crews. */
export interface CrewsMoved {
  items: CrewOnMap[]
  /** Those the reader may no longer see. */
  removed: string[]
}
export type CrewRoute = Omit<Bodies['RouteFeature'], 'geometry'> & { geometry: GeoJSON.LineString }

// ── dispatch ─────────────────────────────────────────────────────────────
export type Incident = Bodies['IncidentOut']
export type IncidentDetail = Bodies['IncidentDetailOut']
export type WorkOrder = Bodies['dispatch__schemas__WorkOrderOut']
export type Crew = Bodies['CrewOut']
export type RankedCrew = Bodies['RankedCrewOut']
export type RankedCrews = Bodies['RankedCrewsOut']
/** A plan for shutting: an incident's own, or one just worked out. */
export type IsolationPlan = Pick<Bodies['PlanOut'], 'customers' | 'length_m'> & {
  valves_to_close: Bodies['ValveToCloseOut'][]
  valves_already_closed: unknown[]
}
/** A plan just worked out, with what goes dry drawn. */
export type Isolation = Omit<Bodies['IsolationOut'], 'segment_lines' | 'cut_off_lines'> & {
  segment_lines: GeoJSON.MultiLineString | null
  cut_off_lines: GeoJSON.MultiLineString | null
}
export type HydraulicCheck = Bodies['HydraulicCheckOut']

// ── hotline ──────────────────────────────────────────────────────────────
export type Category = Bodies['Category']
export type Extent = Bodies['Extent']
export type Location = Bodies['LocationOut']
export type OtherLocation = Bodies['AlternativeOut']
export type Report = Bodies['ReportOut']
export type NewReport = Bodies['ReportIn']
export type CallerLookup = Bodies['CallerLookupOut']
export type CallerAccount = Bodies['AccountOut']
export type Callback = Bodies['CallbackOut']
export type CallbackOutcome = Bodies['CallbackOutcome']

// ── places ───────────────────────────────────────────────────────────────
export type Datum = Bodies['Datum']
/** A place that words, numbers or codes may mean. */
export interface Candidate {
  text: string
  kind: string
  point: LonLat
  confidence?: number | null
  street?: string | null
  district?: string | null
}
/** What stands at a point: the words for it and its place on the network. */
export interface Whereabouts {
  addresses: {
    text: string
    distance_m: number
    /** On the other side of the street the point lies at. */
    is_across: boolean | null
  }[]
  /** The side is north, east, south or west. */
  street: { name: string; distance_m: number; side: string | null } | null
  main: Bodies['LocationOut'] | null
}
/** The nearest of a kind within a radius, and how many there are. */
export interface Nearest<T> {
  items: T[]
  total: number
}
export interface ValveNear {
  id: string
  asset_code: string
  is_closed: boolean
  /** `no`: it is known not to turn. */
  operable: string
  point: LonLat
  distance_m: number
}
export interface HydrantNear {
  id: string
  asset_code: string
  point: LonLat
  distance_m: number
}
/** What lies round a point; distances from it, metres. */
export interface PlaceFacts {
  radius_m: number
  main: {
    id: string
    asset_code: string
    diameter_mm: number | null
    material: string | null
    install_year: number | null
    is_closed: boolean
    segment_id: number | null
    zone_name: string | null
    distance_m: number
    confidence: number
  } | null
  valves: Nearest<ValveNear>
  hydrants: Nearest<HydrantNear>
  buildings: Nearest<{ id: string; use: string | null; floor_count: number | null; distance_m: number }>
  streets: Nearest<{ name: string; place: string | null; distance_m: number }>
  land: Nearest<{ kind: string; name: string | null; distance_m: number }>
  customers: { total: number; critical: Record<string, number> }
  shutdowns: { id: string; title: string; starts_at: string; ends_at: string }[]
}
export type PictureKind = 'site' | 'valve' | 'damage' | 'other'
export interface Picture {
  id: string
  kind: PictureKind
  caption: string
  taken_at: string | null
  distance_m: number | null
  width: number
  height: number
  /** Whether the reader may withdraw it. */
  is_changeable: boolean
}
export interface DirectoryEntry {
  id: string
  kind: string
  name_zh: string
  name_en: string
  phones: string[]
  hours_zh: string
  hours_en: string
  /** What to say to a caller who is handed over. */
  note_zh: string
  note_en: string
}
export interface CrewNear {
  crew_id: string
  code: string
  name: string
  is_on_shift: boolean
  /** Null: its phone was never heard. */
  presence: string | null
  point: LonLat | null
  position_age_s: number | null
  /** By road; null where no road leads there. */
  travel_time_s: number | null
  distance_m: number | null
}

// ── roads ────────────────────────────────────────────────────────────────
export interface WayStep {
  turn: string
  road_name: string | null
  metres: number
  seconds: number
  point: LonLat
  instruction: string
}
export interface Way {
  seconds: number
  metres: number
  geometry: GeoJSON.LineString
  steps: WayStep[]
  closures_avoided: string[]
}
export type Reach = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, { minutes: number }>
/** Where nobody is in time. */
export type Cover = GeoJSON.Feature<GeoJSON.MultiPolygon, { minutes: number; uncovered_share: number; uncovered_customers: number }>
export interface RoadClosure {
  id: string
  cause: string
  reason: string
  area: GeoJSON.MultiPolygon
  starts_at: string
  ends_at: string | null
  lifted_at: string | null
}

// ── versions of the network ──────────────────────────────────────────────
export type NetworkVersion = Bodies['VersionOut']
export type NetworkVersionDetail = Bodies['VersionDetailOut']
export type NetworkProblem = Bodies['NetworkProblemOut']
export type KindChanges = Bodies['KindChangesOut']
export type NetworkUpload = Bodies['UploadOut']
export type SourceLayer = Bodies['SourceLayerOut']
export type MappingForm = Bodies['MappingForm']
export type LayerForm = Bodies['LayerForm']
export type FieldForm = Bodies['FieldForm']
export type MappingWords = Bodies['MappingWordsOut']
export type DraftPlace = Bodies['DraftPlaceOut']
export type AssetHistory = Bodies['AssetHistoryOut']
