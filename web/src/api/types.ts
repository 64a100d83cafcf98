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
/** Where an incident's main is probably broken. */
export type LikelyPlace = Omit<Bodies['LikelyPlaceOut'], 'zones'> & {
  zones: GeoJSON.FeatureCollection<GeoJSON.MultiPolygon, Bodies['ZoneProperties']>
}
export type RingBacks = Bodies['RingBacksOut']
export type RingAnswer = Bodies['Answer']
export type WorkOrder = Bodies['dispatch__schemas__WorkOrderOut']
/** An open incident that a report being taken is probably about. */
export type Duplicate = Bodies['DuplicateOut']
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

// ── escalations ──────────────────────────────────────────────────────────
export type Escalation = Bodies['EscalationOut']
export type EscalationDetail = Bodies['EscalationDetailOut']
export type EscalationState = Bodies['EscalationState']
export type EscalationSnapshot = Bodies['SnapshotOut']
export type EscalationRule = Bodies['RuleOut']
export type EscalationRules = Bodies['RulesOut']
export type EscalationRuleForm = Required<Bodies['RuleIn']>
export type Rehearsed = Bodies['RehearsedOut']
export type ReportedHow = Bodies['ReportedHow']

// ── settings of triage ───────────────────────────────────────────────────
export type TriageRules = Bodies['TriageRulesOut']
export type TriageSetting = Bodies['SettingOut']
export type TriageTrial = Bodies['TrialOut']
export type TriageFigures = Bodies['FiguresOut']
export type DifferentIncident = Bodies['DifferentIncidentOut']

// ── clusters, repeats, rectifications ────────────────────────────────────
export type Clusters = Bodies['ClustersOut']
export type LargeIncident = Bodies['LargeIncidentOut']
export type Rate = Bodies['RateOut']
export type RateGroup = Bodies['Group']
export type RateVerdict = Bodies['Verdict']
export type CountedReport = Bodies['CountedReportOut']
export type PressureZone = Omit<Bodies['ZoneOut'], 'outline'> & { outline: GeoJSON.MultiPolygon | null }
export type Repeat = Bodies['RepeatOut']
export type RepeatKey = Bodies['RepeatKey']
export type RepeatOffender = Bodies['RepeatOffenderOut']
export type Rectification = Bodies['RectificationOut']
export type RectificationDetail = Bodies['RectificationDetailOut']
export type RectificationState = Bodies['RectificationState']
export type RectificationOwner = Bodies['OwnerOut']

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
export type Candidate = Bodies['SuggestionOut']
export type Whereabouts = Bodies['WhereaboutsOut']
export type PlaceFacts = Bodies['PlaceFactsOut']
export type PlaceName = Bodies['PlaceNameOut']
export type PictureKind = Bodies['PictureKind']
export type Picture = Bodies['PictureOut']
export type DirectoryEntry = Bodies['EntryOut']
export type CrewNear = Bodies['CrewDistanceOut']

// ── roads: the shapes are GeoJSON's, which the API's types leave open ─────
export type Way = Omit<Bodies['WayOut'], 'geometry'> & { geometry: GeoJSON.LineString }
export type WayStep = Way['steps'][number]
export type Reach = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, { minutes: number }>
/** Where nobody is in time. */
export type Cover = GeoJSON.Feature<GeoJSON.MultiPolygon, { minutes: number; uncovered_share: number; uncovered_customers: number }>
export type RoadClosure = Omit<Bodies['ClosureOut'], 'area'> & { area: GeoJSON.MultiPolygon }

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
