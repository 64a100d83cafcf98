// Written by `npm run types` from openapi.json, sha256 a5e675e48bc1e63b1b0b904c7316a3a8702809af7cd968417377a74981c1585e.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AccountOut: {
            account_no: string;
            address_text: string | null;
            customer_class: string;
            location: components["schemas"]["LocationOut"] | null;
            name: string;
        };
        AcknowledgeIn: {
            /** @default  */
            words?: string;
        };
        /** @enum {string} */
        Action: "repaired" | "isolated" | "valve_opened" | "flushed" | "inspected" | "none";
        AlternativeOut: {
            address_text: string | null;
            confidence: number;
            distance_m: number;
            pipe_code: string;
            /** Format: uuid */
            pipe_id: string;
            point: components["schemas"]["PointOut"];
            segment_id: number | null;
        };
        AnalysisIn: {
            root_cause: string;
            /** @default  */
            why?: string;
        };
        /** @enum {string} */
        Answer: "has_water" | "no_water" | "low_pressure" | "nobody_answered" | "wrong_number";
        AnswerIn: {
            answer: string;
        };
        AskedOut: {
            account_no: string | null;
            address: string | null;
            answer: components["schemas"]["Answer"];
            answer_text: string;
            /** Format: date-time */
            at: string;
            by: string | null;
            /** Format: uuid */
            customer_account_id: string;
            /** Format: uuid */
            id: string;
            name: string | null;
            phone: string | null;
        };
        AssetHistoriesOut: {
            items: components["schemas"]["AssetHistoryOut"][];
        };
        AssetHistoryOut: {
            code: string;
            /** Format: uuid */
            id: string;
            kind: string;
            now: {
                [key: string]: unknown;
            };
            steps: components["schemas"]["HistoryStepOut"][];
        };
        AssignmentOut: {
            answered_at: string | null;
            crew_code: string;
            /** Format: uuid */
            crew_id: string;
            crew_name: string;
            decline_reason: string | null;
            distance_m: number | null;
            en_route_at: string | null;
            ended_at: string | null;
            /** Format: date-time */
            expires_at: string;
            /** Format: uuid */
            id: string;
            is_by_hand: boolean;
            /** Format: date-time */
            offered_at: string;
            on_site_at: string | null;
            state: string;
            straight_line_choice_travel_s: number | null;
            travel_time_s: number | null;
        };
        AttachedReportOut: {
            /** Format: date-time */
            attached_at: string;
            came_from_number: number | null;
            category: string;
            confidence: number;
            decision: string;
            point: components["schemas"]["PointOut"];
            reason: string;
            /** Format: date-time */
            received_at: string;
            /** Format: uuid */
            report_id: string;
            report_number: number;
            segment_id: number | null;
        };
        AttemptOut: {
            /** Format: date-time */
            at: string;
            by_user_id: string | null;
            note: string;
            outcome: components["schemas"]["CallbackOutcome"];
            reason: string;
        };
        AuditOut: {
            action: string;
            /** Format: date-time */
            at: string;
            client_address: string | null;
            digest: string;
            id: number;
            subject_id: string | null;
            username: string | null;
        };
        BasisOut: {
            calls: number;
            low_pressure_calls: number;
            said_has_water: number;
            said_low_pressure: number;
            said_no_water: number;
            sightings: number;
            silent_customers: number;
            text: string;
        };
        Body_add_picture_api_pictures_post: {
            /** @default  */
            caption?: string;
            /** @default wgs84 */
            datum?: components["schemas"]["Datum"];
            file: string;
            /** @default site */
            kind?: components["schemas"]["PictureKind"];
            lat?: number | null;
            lon?: number | null;
            subject_ids?: string[] | null;
            taken_at?: string | null;
        };
        BuildingFactsOut: {
            distance_m: number;
            floor_count: number | null;
            /** Format: uuid */
            id: string;
            use: string | null;
        };
        CallbackDetailOut: {
            address_text: string | null;
            attempts: number;
            caller: components["schemas"]["CallerOut"];
            case_id: string | null;
            category: components["schemas"]["Category"];
            cause: string | null;
            claimed_at: string | null;
            claimed_by: string | null;
            /** Format: date-time */
            due_at: string;
            ended_at: string | null;
            ended_why: string | null;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            /** Format: date-time */
            not_before_at: string;
            outcome: components["schemas"]["CallbackOutcome"] | null;
            reason: string;
            /** Format: uuid */
            report_id: string;
            report_number: number;
            script: string;
            state: components["schemas"]["CallbackState"];
            tries: components["schemas"]["AttemptOut"][];
        };
        CallbackOut: {
            address_text: string | null;
            attempts: number;
            caller: components["schemas"]["CallerOut"];
            case_id: string | null;
            category: components["schemas"]["Category"];
            cause: string | null;
            claimed_at: string | null;
            claimed_by: string | null;
            /** Format: date-time */
            due_at: string;
            ended_at: string | null;
            ended_why: string | null;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            /** Format: date-time */
            not_before_at: string;
            outcome: components["schemas"]["CallbackOutcome"] | null;
            reason: string;
            /** Format: uuid */
            report_id: string;
            report_number: number;
            script: string;
            state: components["schemas"]["CallbackState"];
        };
        /** @enum {string} */
        CallbackOutcome: "satisfied" | "dissatisfied" | "still_without" | "not_reached";
        /** @enum {string} */
        CallbackState: "due" | "attempting" | "reached" | "not_reached" | "waived";
        CallerIn: {
            name?: string | null;
            phone?: string | null;
        };
        CallerLookupOut: {
            accounts: components["schemas"]["AccountOut"][];
            known_outage: components["schemas"]["KnownOutageOut"] | null;
            phone: string | null;
            recent_reports: components["schemas"]["ReportOut"][];
        };
        CallerOut: {
            name: string | null;
            phone: string | null;
        };
        CaseChangeOut: {
            /** Format: date-time */
            at: string;
            by_user_id: string | null;
            from_state: string | null;
            note: string;
            text: string;
            to_state: string;
            why: string;
        };
        CaseDetailOut: {
            category: components["schemas"]["Category"];
            changes: components["schemas"]["CaseChangeOut"][];
            closed_at: string | null;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            is_with_desk: boolean;
            number: number;
            /** Format: date-time */
            opened_at: string;
            owner_id: string | null;
            report_ids: string[];
            reports: components["schemas"]["ReportOut"][];
            state: components["schemas"]["CaseState"];
        };
        CaseOut: {
            category: components["schemas"]["Category"];
            closed_at: string | null;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            is_with_desk: boolean;
            number: number;
            /** Format: date-time */
            opened_at: string;
            owner_id: string | null;
            report_ids: string[];
            state: components["schemas"]["CaseState"];
        };
        /** @enum {string} */
        CaseState: "open" | "in_hand" | "answered" | "called_back" | "closed";
        /** @enum {string} */
        Category: "no_water" | "low_pressure" | "leak" | "water_quality" | "other";
        /** @enum {string} */
        Cause: "burst" | "leak" | "closed_valve" | "low_pressure" | "dirty_main" | "private_plumbing" | "nothing_found" | "other" | "dismissed";
        /** @enum {string} */
        Channel: "phone" | "counter" | "letter" | "mail" | "web" | "app" | "sms" | "chat";
        ClockOut: {
            factor: number;
            /** Format: date-time */
            now: string;
            /** Format: date-time */
            real_now: string;
        };
        CloseEscalationIn: {
            why: string;
        };
        CloseIn: {
            /** @default other */
            cause?: components["schemas"]["Cause"];
            why: string;
        };
        /** @enum {string} */
        Closure: "told_and_over" | "told" | "over";
        /** @enum {string} */
        ClosureCause: "incident" | "works" | "hand";
        ClosureIn: {
            cause: components["schemas"]["ClosureCause"];
            ends_at?: string | null;
            line?: components["schemas"]["PointIn"][] | null;
            pipe_ids?: string[] | null;
            point?: components["schemas"]["PointIn"] | null;
            polygon?: components["schemas"]["PolygonIn"] | null;
            radius_m?: number | null;
            reason: string;
            segment_ids?: number[] | null;
            slowdown?: number | null;
            starts_at?: string | null;
            subject_id?: string | null;
            width_m?: number | null;
        };
        ClosureOut: {
            area: {
                [key: string]: unknown;
            };
            cause: components["schemas"]["ClosureCause"];
            /** Format: date-time */
            created_at: string;
            created_by: string | null;
            created_by_name: string | null;
            ends_at: string | null;
            /** Format: uuid */
            id: string;
            lifted_at: string | null;
            lifted_by: string | null;
            lifted_by_name: string | null;
            reason: string;
            /** Format: uuid */
            revision: string;
            slowdown: number | null;
            /** Format: date-time */
            starts_at: string;
            subject_id: string | null;
            superseded_at: string | null;
        };
        ClosuresOut: {
            items: components["schemas"]["ClosureOut"][];
        };
        ClustersOut: {
            history_since: string | null;
            hours: components["schemas"]["HourOut"][];
            incidents: components["schemas"]["LargeIncidentOut"][];
            rates: components["schemas"]["RateOut"][];
            /** Format: date-time */
            since: string;
            timezone: string;
            /** Format: date-time */
            until: string;
        };
        ConfirmIn: {
            kind?: components["schemas"]["IncidentKind"] | null;
        };
        ConflictOut: {
            /** Format: date-time */
            ends_at: string;
            extra: components["schemas"]["EffectOut"];
            extra_pipes: string[];
            shared_pipes: string[];
            shutdown_ids: string[];
            /** Format: date-time */
            starts_at: string;
            titles: string[];
        };
        CountedReportOut: {
            category: string;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            point: components["schemas"]["PointOut"];
            /** Format: date-time */
            received_at: string;
            /** Format: uuid */
            report_id: string;
            report_number: number;
            street: string | null;
            zone_id: string | null;
        };
        CountsOut: {
            callbacks_due: number;
            reports_unlocated: number;
        };
        CoverIn: {
            /** @default 15 */
            minutes?: number;
            points: components["schemas"]["PointIn"][];
        };
        CoverOut: {
            geometry: {
                [key: string]: unknown;
            };
            properties: components["schemas"]["CoverProperties"];
            /**
             * @default Feature
             * @constant
             */
            type?: "Feature";
        };
        CoverProperties: {
            minutes: number;
            road_m: number;
            uncovered_customers: number;
            uncovered_road_m: number;
            uncovered_share: number;
        };
        CrewDistanceOut: {
            bound_order_number: number | null;
            bound_state: string | null;
            code: string;
            /** Format: uuid */
            crew_id: string;
            distance_m: number | null;
            is_on_shift: boolean;
            is_stale: boolean;
            name: string;
            point: components["schemas"]["PointOut"] | null;
            position_age_s: number | null;
            presence: ("online" | "stale" | "offline" | "off_duty") | null;
            straight_line_m: number | null;
            travel_time_s: number | null;
        };
        CrewIn: {
            code: string;
            depot?: components["schemas"]["PointIn"] | null;
            name: string;
            skills: components["schemas"]["Skill"][];
        };
        CrewJobOnMap: {
            /** Format: uuid */
            assignment_id: string;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            started_at: string | null;
            state: string;
            travel_time_s: number | null;
            /** Format: uuid */
            work_order_id: string;
        };
        CrewOnMap: {
            code: string;
            course_deg: number | null;
            /** Format: uuid */
            crew_id: string;
            job: components["schemas"]["CrewJobOnMap"] | null;
            lat: number | null;
            lon: number | null;
            name: string;
            presence: string;
            recorded_at: string | null;
            speed_mps: number | null;
            status: string;
        };
        CrewOut: {
            code: string;
            depot: components["schemas"]["PointOut"] | null;
            /** Format: uuid */
            id: string;
            is_active: boolean;
            name: string;
            on_shift_until: string | null;
            skills: string[];
        };
        /** @enum {string} */
        CustomerClass: "household" | "business" | "industry" | "school" | "hospital" | "dialysis" | "fire_station";
        CustomerFactsOut: {
            critical: {
                [key: string]: number;
            };
            total: number;
        };
        /** @enum {string} */
        Datum: "wgs84" | "cgcs2000" | "gcj02" | "bd09";
        DayIn: {
            is_working: boolean;
            name: string;
        };
        DayOut: {
            /** Format: date */
            day: string;
            is_working: boolean;
            name: string;
            source: string;
        };
        DeclineIn: {
            reason: string;
        };
        DeviceOut: {
            mqtt_password: string;
            mqtt_username: string;
        };
        DifferentIncidentOut: {
            alarm_after_min: number | null;
            alarm_before_min: number | null;
            /** Format: uuid */
            incident_id: string;
            joined: number;
            number: number;
            parted: number;
            street: string | null;
        };
        dispatch__schemas__ValveOut: {
            asset_code: string;
            /** Format: uuid */
            id: string;
            order: number;
            point: components["schemas"]["PointOut"];
        };
        dispatch__schemas__WorkOrderOut: {
            /** Format: date-time */
            arrive_by_at: string;
            assignment_state: string | null;
            assignments: components["schemas"]["AssignmentOut"][];
            /** Format: date-time */
            created_at: string;
            crew_code: string | null;
            ended_at: string | null;
            finding: {
                [key: string]: unknown;
            } | null;
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            is_late: boolean;
            kind: string;
            number: number;
            point: components["schemas"]["PointOut"];
            priority: number;
            skills: string[];
            state: string;
            street: string | null;
        };
        DoneIn: {
            action: components["schemas"]["Action"];
            /** @enum {string} */
            cause: "burst" | "leak" | "closed_valve" | "low_pressure" | "dirty_main" | "private_plumbing" | "nothing_found" | "other";
            /** @default  */
            note?: string;
            valve_id?: string | null;
            water_restored: boolean;
        };
        DraftPlaceOut: {
            bounds: [
                number,
                number,
                number,
                number
            ];
            change: string;
            code: string;
            kind: string;
        };
        DraftPlacesOut: {
            items: components["schemas"]["DraftPlaceOut"][];
        };
        DroppedOut: {
            count: number;
            /** Format: date */
            day: string;
            /** Format: date-time */
            last_at: string;
            last_topic: string;
            reason: string;
        };
        DuplicateOut: {
            age_s: number;
            category: string;
            customers_without_water: number;
            distance_m: number;
            estimate_at: string | null;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            is_same_customer: boolean;
            kind: string;
            level: string;
            odds: number;
            point: components["schemas"]["PointOut"];
            reason: string;
            report_count: number;
            report_number: number;
            state: string;
            street: string | null;
            valves: number | null;
            where: string;
        };
        DuplicatesIn: {
            account_no?: string | null;
            /** @enum {string} */
            category: "no_water" | "low_pressure" | "leak" | "water_quality" | "other";
            /** @default 1 */
            confidence?: number;
            point: components["schemas"]["PointIn"];
            segment_id?: number | null;
        };
        EffectOut: {
            critical: {
                [key: string]: number;
            };
            customers: number;
            length_m: number;
            pipes: number;
        };
        EntryChangeOut: {
            /** Format: date-time */
            at: string;
            before: {
                [key: string]: unknown;
            } | null;
            by_user_id: string | null;
            change: string;
        };
        EntryDetailOut: {
            area: components["schemas"]["MultiPolygon"] | null;
            /** Format: date-time */
            changed_at: string;
            changed_by: string | null;
            has_area: boolean;
            hours_en: string;
            hours_zh: string;
            /** Format: uuid */
            id: string;
            is_active: boolean;
            kind: components["schemas"]["EntryKind"];
            matters: components["schemas"]["Matter"][];
            name_en: string;
            name_zh: string;
            note_en: string;
            note_zh: string;
            phones: string[];
            position: number;
        };
        EntryIn: {
            area?: components["schemas"]["MultiPolygon"] | null;
            /** @default  */
            hours_en?: string;
            /** @default  */
            hours_zh?: string;
            kind: components["schemas"]["EntryKind"];
            matters?: components["schemas"]["Matter"][];
            /** @default  */
            name_en?: string;
            /** @default  */
            name_zh?: string;
            /** @default  */
            note_en?: string;
            /** @default  */
            note_zh?: string;
            phones: string[];
            /** @default 100 */
            position?: number;
        };
        /** @enum {string} */
        EntryKind: "branch" | "partner" | "emergency" | "government";
        EntryOut: {
            /** Format: date-time */
            changed_at: string;
            changed_by: string | null;
            has_area: boolean;
            hours_en: string;
            hours_zh: string;
            /** Format: uuid */
            id: string;
            is_active: boolean;
            kind: components["schemas"]["EntryKind"];
            matters: components["schemas"]["Matter"][];
            name_en: string;
            name_zh: string;
            note_en: string;
            note_zh: string;
            phones: string[];
            position: number;
        };
        EscalationDetailOut: {
            acknowledged_at: string | null;
            acknowledged_by: string | null;
            acknowledged_words: string | null;
            asset_id: string | null;
            asset_kind: string | null;
            at_report: components["schemas"]["SnapshotOut"] | null;
            at_trigger: components["schemas"]["SnapshotOut"];
            climbs_at: string | null;
            /** Format: date-time */
            clock_start: string;
            closed_at: string | null;
            /** Format: date-time */
            due_at: string;
            history: components["schemas"]["EscalationStepOut"][];
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_is_over: boolean;
            incident_kind: string | null;
            incident_level: string | null;
            incident_number: number | null;
            is_confirmed: boolean;
            is_for_reader: boolean;
            is_reported_late: boolean;
            joined_into_id: string | null;
            proof: components["schemas"]["Proof"];
            recipients: string[];
            reported_at: string | null;
            reported_by: string | null;
            reported_how: components["schemas"]["ReportedHow"] | null;
            reported_to: string[];
            reported_words: string | null;
            role: string;
            role_word: string;
            rule_code: string;
            rule_version: number;
            rule_words: string;
            rung: number;
            state: components["schemas"]["EscalationState"];
            street: string | null;
            trigger: components["schemas"]["Trigger"];
        };
        EscalationOut: {
            acknowledged_at: string | null;
            acknowledged_by: string | null;
            asset_id: string | null;
            asset_kind: string | null;
            climbs_at: string | null;
            /** Format: date-time */
            clock_start: string;
            closed_at: string | null;
            /** Format: date-time */
            due_at: string;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_is_over: boolean;
            incident_kind: string | null;
            incident_level: string | null;
            incident_number: number | null;
            is_confirmed: boolean;
            is_reported_late: boolean;
            reported_at: string | null;
            reported_by: string | null;
            reported_how: components["schemas"]["ReportedHow"] | null;
            role: string;
            role_word: string;
            rule_code: string;
            rule_version: number;
            rung: number;
            state: components["schemas"]["EscalationState"];
            street: string | null;
            trigger: components["schemas"]["Trigger"];
        };
        EscalationReportIn: {
            how: components["schemas"]["ReportedHow"];
            words: string;
        };
        /** @enum {string} */
        EscalationState: "pending" | "due" | "overdue" | "climbed" | "reported" | "acknowledged" | "joined" | "closed";
        EscalationStepOut: {
            /** Format: date-time */
            at: string;
            /** Format: date-time */
            due_at: string;
            due_before: string | null;
            from_state: components["schemas"]["EscalationState"] | null;
            role_word: string;
            to_state: components["schemas"]["EscalationState"];
            who: string | null;
            why: string;
        };
        /** @enum {string} */
        Extent: "only_me" | "building" | "street" | "unknown";
        FaultOut: {
            /** Format: date-time */
            at: string;
            cause: string;
            closed_at: string | null;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            pipe_id: string | null;
            point: components["schemas"]["PointOut"];
            street: string | null;
        };
        fieldapp_api__schemas__ValveOut: {
            asset_code: string;
            /** Format: uuid */
            id: string;
            order: number;
            point: components["schemas"]["PointOut"];
        };
        fieldapp_api__schemas__WorkOrderOut: {
            /** Format: date-time */
            arrive_by_at: string;
            description: string;
            /** Format: uuid */
            id: string;
            incident_number: number;
            kind: string;
            number: number;
            pipe_id: string | null;
            place: components["schemas"]["PointOut"];
            priority: number;
            state: string;
            street: string | null;
        };
        FieldChangeOut: {
            after: unknown;
            before: unknown;
            field: string;
        };
        FieldForm: {
            codes?: {
                [key: string]: string | number | boolean;
            } | null;
            field?: string | null;
            unit?: string | null;
            value?: string | number | boolean | null;
        };
        FiguresOut: {
            alarms: number;
            callers_to_alarm: number | null;
            incidents: number;
            minutes_to_alarm: number | null;
            moved: number;
            repeats: number;
        };
        /** @enum {string} */
        Function: "hotline" | "dispatch" | "field" | "map" | "administer";
        /** @enum {string} */
        Group: "all" | "supply" | "water_quality" | "other";
        GroupIn: {
            functions: components["schemas"]["Function"][];
            networks: string[];
        };
        GroupOut: {
            functions: string[];
            /** Format: uuid */
            id: string;
            name: string;
            networks: string[];
        };
        HandOverIn: {
            /** Format: uuid */
            entry_id: string;
            /** @default  */
            note?: string;
        };
        HandOverOut: {
            /** Format: date-time */
            at: string;
            by_user_id: string | null;
            /** Format: uuid */
            entry_id: string;
            /** Format: uuid */
            id: string;
            name_en: string;
            name_zh: string;
            note: string;
            phones: string[];
            taken_back_at: string | null;
        };
        HealthOut: {
            /** @constant */
            database: "ok";
            events_parked: number;
            events_waiting: number;
            /** Format: date-time */
            now: string;
            /** @enum {string} */
            status: "ok" | "degraded";
            workspace: string;
        };
        HistoryStepOut: {
            at: string | null;
            by: string | null;
            change: string;
            fields: components["schemas"]["FieldChangeOut"][];
            version: number;
        };
        /** @enum {string} */
        Holds: "pipes" | "junctions" | "reservoirs" | "tanks" | "valves" | "control_valves" | "check_valves" | "pumps" | "hydrants" | "customers" | "zones" | "nothing";
        HourOut: {
            before: string[];
            /** Format: date-time */
            hour: string;
        };
        HydrantFactsOut: {
            asset_code: string;
            diameter_mm: number | null;
            distance_m: number;
            /** Format: uuid */
            id: string;
            lifecycle_status: components["schemas"]["LifecycleStatus"];
            point: components["schemas"]["PointOut"];
        };
        HydraulicCheckOut: {
            after: components["schemas"]["SupplyOut"];
            assumptions: {
                [key: string]: number;
            };
            before: components["schemas"]["SupplyOut"];
            dry_beyond_plan: number;
            low_pipes: string[];
            newly_low: number;
        };
        IncidentDetailOut: {
            also_numbers: number[];
            cause: string | null;
            /** Format: date-time */
            changed_at: string;
            closed_at: string | null;
            crew_codes: string[];
            critical_customers: number;
            customer_count: number;
            customers_without_water: number;
            due_at: string | null;
            estimate_at: string | null;
            /** Format: uuid */
            id: string;
            kind: string;
            /** Format: date-time */
            last_report_at: string;
            level: string;
            merged_into_id: string | null;
            merged_into_number: number | null;
            number: number;
            /** Format: date-time */
            opened_at: string;
            pipe_id: string | null;
            place: components["schemas"]["PlaceOut"];
            plan: components["schemas"]["PlanOut"] | null;
            point: components["schemas"]["PointOut"];
            priority: number;
            report_count: number;
            reports: components["schemas"]["AttachedReportOut"][];
            review_at: string | null;
            segment_ids: number[];
            split_from_id: string | null;
            state: string;
            street: string | null;
            timeline: components["schemas"]["TimelineEntryOut"][];
            work_orders: components["schemas"]["dispatch__schemas__WorkOrderOut"][];
            zone_id: string | null;
        };
        /** @enum {string} */
        IncidentKind: "burst" | "leak" | "outage" | "low_pressure" | "water_quality" | "other";
        IncidentOnMap: {
            closed_at: string | null;
            crew_codes: string[];
            customers_without_water: number;
            due_at: string | null;
            /** Format: uuid */
            id: string;
            kind: string;
            level: string;
            number: number;
            /** Format: date-time */
            opened_at: string;
            point: components["schemas"]["PointOut"];
            priority: number;
            report_count: number;
            segment_ids: number[];
            state: string;
            street: string | null;
            zone: {
                [key: string]: unknown;
            } | null;
        };
        IncidentOut: {
            cause: string | null;
            /** Format: date-time */
            changed_at: string;
            closed_at: string | null;
            crew_codes: string[];
            critical_customers: number;
            customer_count: number;
            customers_without_water: number;
            due_at: string | null;
            estimate_at: string | null;
            /** Format: uuid */
            id: string;
            kind: string;
            /** Format: date-time */
            last_report_at: string;
            level: string;
            number: number;
            /** Format: date-time */
            opened_at: string;
            pipe_id: string | null;
            point: components["schemas"]["PointOut"];
            priority: number;
            report_count: number;
            review_at: string | null;
            segment_ids: number[];
            state: string;
            street: string | null;
            zone_id: string | null;
        };
        IncidentThenOut: {
            calls: number;
            cause: string | null;
            closed_at: string | null;
            critical_customers: number;
            customers: number;
            customers_without_water: number;
            estimate_at: string | null;
            /** Format: uuid */
            id: string;
            kind: string;
            /** Format: date-time */
            last_report_at: string;
            level: string;
            number: number;
            /** Format: date-time */
            opened_at: string;
            segment_ids: number[];
            state: string;
            streets: string[];
            work: components["schemas"]["WorkThenOut"][];
        };
        IsolationOut: {
            conflicts: components["schemas"]["ConflictOut"][];
            critical: {
                [key: string]: number;
            };
            critical_customers: number;
            customers: number;
            cut_off_lines?: unknown;
            cut_off_pipes: string[];
            cut_off_segment_ids: number[];
            length_m: number;
            length_without_volume_m: number;
            pipe_code: string;
            /** Format: uuid */
            pipe_id: string;
            segment_ids: number[];
            segment_lines?: unknown;
            segment_pipes: string[];
            valves_already_closed: string[];
            valves_to_close: components["schemas"]["ValveToCloseOut"][];
            volume_m3: number;
        };
        Items_AuditOut_: {
            items: components["schemas"]["AuditOut"][];
        };
        Items_CountedReportOut_: {
            items: components["schemas"]["CountedReportOut"][];
        };
        Items_CrewDistanceOut_: {
            items: components["schemas"]["CrewDistanceOut"][];
        };
        Items_CrewOut_: {
            items: components["schemas"]["CrewOut"][];
        };
        Items_DroppedOut_: {
            items: components["schemas"]["DroppedOut"][];
        };
        Items_DuplicateOut_: {
            items: components["schemas"]["DuplicateOut"][];
        };
        Items_EntryChangeOut_: {
            items: components["schemas"]["EntryChangeOut"][];
        };
        Items_EntryOut_: {
            items: components["schemas"]["EntryOut"][];
        };
        Items_EscalationOut_: {
            items: components["schemas"]["EscalationOut"][];
        };
        Items_JobOut_: {
            items: components["schemas"]["JobOut"][];
        };
        Items_OwnerOut_: {
            items: components["schemas"]["OwnerOut"][];
        };
        Items_ParkedEventOut_: {
            items: components["schemas"]["ParkedEventOut"][];
        };
        Items_PositionOut_: {
            items: components["schemas"]["PositionOut"][];
        };
        Items_RehearsedOut_: {
            items: components["schemas"]["RehearsedOut"][];
        };
        Items_RepeatOffenderOut_: {
            items: components["schemas"]["RepeatOffenderOut"][];
        };
        Items_RepeatOut_: {
            items: components["schemas"]["RepeatOut"][];
        };
        Items_RoleOut_: {
            items: components["schemas"]["RoleOut"][];
        };
        Items_RuleOut_: {
            items: components["schemas"]["RuleOut"][];
        };
        Items_SessionOut_: {
            items: components["schemas"]["SessionOut"][];
        };
        Items_ShiftOut_: {
            items: components["schemas"]["ShiftOut"][];
        };
        Items_UserOut_: {
            items: components["schemas"]["UserOut"][];
        };
        Items_ZoneOut_: {
            items: components["schemas"]["ZoneOut"][];
        };
        JobOut: {
            /** Format: uuid */
            assignment_id: string;
            customers_without_water: number;
            distance_m: number | null;
            en_route_at: string | null;
            /** Format: date-time */
            expires_at: string;
            /** Format: date-time */
            offered_at: string;
            on_site_at: string | null;
            state: string;
            travel_time_s: number | null;
            valves: components["schemas"]["fieldapp_api__schemas__ValveOut"][];
            work_order: components["schemas"]["fieldapp_api__schemas__WorkOrderOut"];
        };
        JobStateOut: {
            answered_at: string | null;
            /** Format: uuid */
            assignment_id: string;
            en_route_at: string | null;
            ended_at: string | null;
            /** Format: date-time */
            expires_at: string;
            on_site_at: string | null;
            state: string;
            /** Format: uuid */
            work_order_id: string;
        };
        KindChangesOut: {
            added: number;
            changed: number;
            examples: {
                [key: string]: string[];
            };
            kind: string;
            removed: number;
        };
        KnownOutageOut: {
            cause: string;
            customers: number;
            /** Format: date-time */
            declared_at: string;
            estimate_at: string | null;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            review_at: string | null;
            say: string;
            segment_ids: number[];
        };
        LandFactsOut: {
            distance_m: number;
            kind: string;
            name: string | null;
        };
        LargeIncidentOut: {
            cause: string | null;
            closed_at: string | null;
            customer_count: number;
            customers_without_water: number;
            /** Format: uuid */
            id: string;
            kind: string;
            level: string;
            number: number;
            /** Format: date-time */
            opened_at: string;
            point: components["schemas"]["PointOut"];
            report_count: number;
            state: string;
            street: string | null;
            zone_id: string | null;
        };
        LayerForm: {
            crs?: string | null;
            /** @default {} */
            fields?: {
                [key: string]: components["schemas"]["FieldForm"];
            };
            holds: components["schemas"]["Holds"];
            /** @default [] */
            only?: components["schemas"]["OnlyForm"][];
            reach_m?: number | null;
            source: string;
            /** @default false */
            swap_axes?: boolean;
        };
        /** @enum {string} */
        LifecycleStatus: "proposed" | "in_service" | "out_of_service" | "abandoned";
        LikelyPipeOut: {
            asset_code: string;
            belief: number;
            diameter_mm: number | null;
            install_year: number | null;
            length_m: number;
            material: string | null;
            /** Format: uuid */
            pipe_id: string;
            road_name: string | null;
            segment_id: number | null;
        };
        LikelyPlaceOut: {
            basis: components["schemas"]["BasisOut"];
            pipes: components["schemas"]["LikelyPipeOut"][];
            pressure_fallen_beside: number;
            segments: components["schemas"]["LikelySegmentOut"][];
            sureness: components["schemas"]["Sureness"];
            sureness_text: string;
            zones: components["schemas"]["ZonesOut"];
        };
        LikelySegmentOut: {
            alike: number[];
            belief: number;
            customers_dry: number;
            length_m: number;
            pipe_count: number;
            segment_id: number;
        };
        LineOut: {
            coordinates: number[][];
            /**
             * @default LineString
             * @constant
             */
            type?: "LineString";
        };
        LineStringOut: {
            coordinates: [
                number,
                number
            ][];
            /** @constant */
            type: "LineString";
        };
        LocateIn: {
            account_no?: string | null;
            accuracy_m?: number | null;
            address_id?: string | null;
            phone?: string | null;
            point?: components["schemas"]["PointIn"] | null;
            street?: string | null;
            text?: string | null;
        };
        LocationOut: {
            account_no: string | null;
            address_text: string | null;
            alternatives: components["schemas"]["AlternativeOut"][];
            chainage_m: number;
            confidence: number;
            distance_m: number;
            margin: number;
            method: components["schemas"]["Method"];
            pipe_code: string;
            /** Format: uuid */
            pipe_id: string;
            point: components["schemas"]["PointOut"];
            segment_id: number | null;
            side: components["schemas"]["Side"];
            street: string | null;
            zone_id: string | null;
        };
        LoginIn: {
            password: string;
            username: string;
        };
        LookupIn: {
            phone: string;
        };
        MainFactsOut: {
            asset_code: string;
            confidence: number;
            diameter_mm: number | null;
            distance_m: number;
            /** Format: uuid */
            id: string;
            install_year: number | null;
            is_closed: boolean;
            material: string | null;
            pipe_class: components["schemas"]["PipeClass"];
            road_name: string | null;
            segment_id: number | null;
            zone_code: string | null;
            zone_name: string | null;
        };
        MapExtentOut: {
            bounds: [
                number,
                number,
                number,
                number
            ];
            center: components["schemas"]["PointOut"];
            name: string;
        };
        MappingForm: {
            layers: components["schemas"]["LayerForm"][];
            /** @default 0.5 */
            snap_m?: number;
            /** @default 3 */
            valve_end_m?: number;
        };
        MappingWordsOut: {
            fields: {
                [key: string]: {
                    [key: string]: components["schemas"]["Means"];
                };
            };
            units: {
                [key: string]: string[];
            };
        };
        /** @enum {string} */
        MatchKind: "address" | "place" | "interpolated" | "crossing" | "street" | "district" | "postcode" | "plus_code" | "coordinates";
        /** @enum {string} */
        Matter: "no_water" | "low_pressure" | "leak" | "water_quality" | "other" | "billing" | "connection" | "private_plumbing" | "sewer" | "roads" | "gas" | "power" | "heating";
        /** @enum {string} */
        Means: "text" | "diameter" | "length" | "flow" | "number" | "year" | "choice";
        MeasureIn: {
            /** Format: date-time */
            due_at: string;
            measure: string;
            /** Format: uuid */
            owner_id: string;
            /** @default  */
            why?: string;
        };
        MeIn: {
            /** @enum {string} */
            language: "zh" | "en";
        };
        MeOut: {
            crew_id: string | null;
            display_name: string;
            fields: string[];
            /** @enum {string} */
            language: "zh" | "en";
            operations: string[];
            role: string;
            username: string;
        };
        MergeIn: {
            /** Format: uuid */
            into_incident_id: string;
        };
        /** @enum {string} */
        Method: "account" | "phone" | "point" | "address" | "address_interpolated" | "place" | "crossing" | "street" | "district" | "postcode" | "plus_code" | "coordinates";
        MultiPolygon: {
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[][][];
            /** @constant */
            type: "MultiPolygon";
        };
        NearAddressOut: {
            distance_m: number;
            house_number: string | null;
            is_across: boolean | null;
            point: components["schemas"]["PointOut"];
            street: string;
            text: string;
        };
        NearestOut_BuildingFactsOut_: {
            items: components["schemas"]["BuildingFactsOut"][];
            total: number;
        };
        NearestOut_HydrantFactsOut_: {
            items: components["schemas"]["HydrantFactsOut"][];
            total: number;
        };
        NearestOut_LandFactsOut_: {
            items: components["schemas"]["LandFactsOut"][];
            total: number;
        };
        NearestOut_StreetFactsOut_: {
            items: components["schemas"]["StreetFactsOut"][];
            total: number;
        };
        NearestOut_ValveFactsOut_: {
            items: components["schemas"]["ValveFactsOut"][];
            total: number;
        };
        NearStreetOut: {
            distance_m: number;
            name: string;
            side: components["schemas"]["Quarter"] | null;
        };
        NetworkCountsOut: {
            control_links: number;
            customers: number;
            hydrants: number;
            junctions: number;
            length_m: number;
            pipes: number;
            sources: number;
            valves: number;
            zones: number;
        };
        NetworkProblemOut: {
            feature: string;
            lat: number | null;
            layer: string;
            lon: number | null;
            reason: string;
        };
        NewVersionIn: {
            crs?: string | null;
            form?: components["schemas"]["MappingForm"] | null;
            mapping?: string | null;
            upload_ids: string[];
        };
        ObservationIn: {
            days?: number | null;
            /** @default  */
            why?: string;
        };
        OfferIn: {
            /** Format: uuid */
            crew_id: string;
        };
        OnlyForm: {
            /** @default [] */
            among?: string[];
            field: string;
            /** @default [] */
            not_among?: string[];
        };
        /** @enum {string} */
        Operable: "yes" | "no" | "unknown";
        /** @enum {string} */
        Operation: "reports.take" | "reports.read" | "reports.locate" | "cases.read" | "cases.work" | "callbacks.read" | "callbacks.work" | "outages.read" | "incidents.read" | "incidents.decide" | "rectifications.read" | "rectifications.work" | "ring_backs.make" | "escalations.read" | "escalations.report" | "escalations.acknowledge" | "escalation_rules.manage" | "triage_rules.manage" | "work_orders.read" | "work_orders.decide" | "crews.read" | "crews.manage" | "field.work" | "positions.read" | "trails.read" | "map.read" | "network.read" | "network.import" | "network.publish" | "pictures.read" | "pictures.add" | "pictures.manage" | "places.name" | "places.manage" | "directory.read" | "directory.manage" | "locate.use" | "profile.own" | "users.manage" | "sessions.manage" | "audit.read" | "calendar.manage" | "events.manage";
        OutcomeIn: {
            /** @default  */
            note?: string;
            outcome: components["schemas"]["CallbackOutcome"];
            /** @default  */
            reason?: string;
        };
        OverviewOut: {
            /** Format: date-time */
            at: string;
            counts: components["schemas"]["CountsOut"];
            crews: components["schemas"]["CrewOnMap"][];
            incidents: components["schemas"]["IncidentOnMap"][];
            reports: components["schemas"]["ReportOnMap"][];
        };
        OwnerOut: {
            /** Format: uuid */
            id: string;
            name: string;
        };
        Page_CallbackOut_: {
            items: components["schemas"]["CallbackOut"][];
            next: string | null;
        };
        Page_CaseOut_: {
            items: components["schemas"]["CaseOut"][];
            next: string | null;
        };
        Page_IncidentOut_: {
            items: components["schemas"]["IncidentOut"][];
            next?: string | null;
        };
        Page_KnownOutageOut_: {
            items: components["schemas"]["KnownOutageOut"][];
            next: string | null;
        };
        Page_RectificationOut_: {
            items: components["schemas"]["RectificationOut"][];
            next?: string | null;
        };
        Page_ReportOut_: {
            items: components["schemas"]["ReportOut"][];
            next: string | null;
        };
        Page_WorkOrderOut_: {
            items: components["schemas"]["dispatch__schemas__WorkOrderOut"][];
            next?: string | null;
        };
        ParkedEventOut: {
            attempts: number;
            /** Format: date-time */
            emitted_at: string;
            /** Format: uuid */
            id: string;
            last_error: string | null;
            name: string;
            /** Format: date-time */
            parked_at: string;
        };
        /** @enum {string} */
        PersonalField: "phone" | "address" | "recording" | "trail";
        /** @enum {string} */
        PictureKind: "site" | "valve" | "damage" | "other";
        PictureOut: {
            caption: string;
            /** Format: date-time */
            created_at: string;
            created_by: string | null;
            distance_m: number | null;
            height: number;
            /** Format: uuid */
            id: string;
            is_changeable: boolean;
            kind: components["schemas"]["PictureKind"];
            point: components["schemas"]["PointOut"];
            subject_ids: string[];
            taken_at: string | null;
            width: number;
            withdrawn_at: string | null;
        };
        PicturesOut: {
            items: components["schemas"]["PictureOut"][];
        };
        /** @enum {string} */
        PipeClass: "transmission" | "distribution" | "service" | "hydrant_lateral";
        PlaceFactsOut: {
            buildings: components["schemas"]["NearestOut_BuildingFactsOut_"];
            customers: components["schemas"]["CustomerFactsOut"];
            hydrants: components["schemas"]["NearestOut_HydrantFactsOut_"];
            land: components["schemas"]["NearestOut_LandFactsOut_"];
            main: components["schemas"]["MainFactsOut"] | null;
            point: components["schemas"]["PointOut"];
            radius_m: number;
            shutdowns: components["schemas"]["ShutdownFactsOut"][];
            streets: components["schemas"]["NearestOut_StreetFactsOut_"];
            valves: components["schemas"]["NearestOut_ValveFactsOut_"];
        };
        PlaceNameChangeIn: {
            district?: string | null;
            name?: string | null;
            note?: string | null;
            point?: components["schemas"]["PointIn"] | null;
        };
        PlaceNameIn: {
            /** @default  */
            district?: string;
            name: string;
            /** @default  */
            note?: string;
            point: components["schemas"]["PointIn"];
        };
        PlaceNameOut: {
            changed_at: string | null;
            changed_by: string | null;
            /** Format: date-time */
            created_at: string;
            created_by: string | null;
            distance_m: number | null;
            district: string | null;
            /** Format: uuid */
            id: string;
            is_changeable: boolean;
            name: string;
            note: string;
            point: components["schemas"]["PointOut"];
            withdrawn_at: string | null;
        };
        PlaceNamesOut: {
            items: components["schemas"]["PlaceNameOut"][];
        };
        PlaceOut: {
            point: components["schemas"]["PointOut"];
            street: string | null;
        };
        PlanOut: {
            critical_customers: number;
            customers: number;
            length_m: number;
            /** Format: date-time */
            made_at: string;
            /** Format: uuid */
            pipe_id: string;
            segment_ids: number[];
            valves_already_closed: components["schemas"]["dispatch__schemas__ValveOut"][];
            valves_to_close: components["schemas"]["dispatch__schemas__ValveOut"][];
        };
        PointIn: {
            /** @default wgs84 */
            datum?: components["schemas"]["Datum"];
            lat: number;
            lon: number;
        };
        PointOut: {
            lat: number;
            lon: number;
        };
        PolygonIn: {
            coordinates: unknown[];
            /** @enum {string} */
            type: "Polygon" | "MultiPolygon";
        };
        Position2D: [
            number,
            number
        ];
        Position3D: [
            number,
            number,
            number
        ];
        PositionOut: {
            accuracy_m: number | null;
            age_s: number;
            battery_pct: number | null;
            course_deg: number | null;
            /** Format: uuid */
            crew_id: string;
            point: components["schemas"]["PointOut"];
            /** @enum {string} */
            presence: "online" | "stale" | "offline" | "off_duty";
            /** Format: date-time */
            received_at: string;
            /** Format: date-time */
            recorded_at: string;
            speed_mps: number | null;
        };
        ProblemOut: {
            meaning: string;
            status: number;
            type: string;
        };
        /** @enum {string} */
        Proof: "report" | "acknowledgement";
        /** @enum {string} */
        Quarter: "north" | "east" | "south" | "west";
        RankedCrewOut: {
            code: string;
            /** Format: uuid */
            crew_id: string;
            distance_m: number | null;
            eligible: boolean;
            name: string;
            position_age_s: number | null;
            reason: string | null;
            reason_code: string | null;
            route: components["schemas"]["LineStringOut"] | null;
            straight_line_m: number | null;
            travel_time_s: number | null;
        };
        RankedCrewsOut: {
            ranked: components["schemas"]["RankedCrewOut"][];
        };
        RateOut: {
            before: number[];
            count: number;
            group: components["schemas"]["Group"];
            /** Format: date-time */
            hour: string;
            usual: number | null;
            verdict: components["schemas"]["Verdict"];
            zone_id: string | null;
        };
        ReachFeature: {
            geometry: {
                [key: string]: unknown;
            };
            properties: components["schemas"]["ReachProperties"];
            /**
             * @default Feature
             * @constant
             */
            type?: "Feature";
        };
        ReachIn: {
            /**
             * @default [
             *       5,
             *       10,
             *       15
             *     ]
             */
            minutes?: number[];
            point: components["schemas"]["PointIn"];
            /** @default false */
            towards?: boolean;
        };
        ReachOut: {
            features: components["schemas"]["ReachFeature"][];
            /**
             * @default FeatureCollection
             * @constant
             */
            type?: "FeatureCollection";
        };
        ReachProperties: {
            minutes: number;
            road_m: number;
        };
        ReadIn: {
            crs?: string | null;
            form?: components["schemas"]["MappingForm"] | null;
            mapping?: string | null;
        };
        ReasonIn: {
            why: string;
        };
        RectificationDetailOut: {
            history: components["schemas"]["RectificationStepOut"][];
            incidents: components["schemas"]["FaultOut"][];
            summary: components["schemas"]["RectificationOut"];
        };
        RectificationOut: {
            asset_code: string | null;
            /** Format: uuid */
            asset_id: string;
            asset_kind: string;
            /** Format: date-time */
            changed_at: string;
            closed_at: string | null;
            done_at: string | null;
            done_by: string | null;
            due_at: string | null;
            failed_measures: number;
            faults: number;
            faults_in_all: number;
            /** Format: uuid */
            id: string;
            is_overdue: boolean;
            last_fault_at: string | null;
            measure: string | null;
            number: number;
            observation_ends_at: string | null;
            /** Format: date-time */
            opened_at: string;
            owner: string | null;
            owner_id: string | null;
            point: components["schemas"]["PointOut"] | null;
            root_cause: string | null;
            segment_id: number | null;
            state: string;
            street: string | null;
            verified_by: string | null;
            window_days: number;
        };
        /** @enum {string} */
        RectificationState: "open" | "analysed" | "planned" | "done" | "verified" | "observing" | "closed";
        RectificationStepOut: {
            /** Format: date-time */
            at: string;
            by_user_id: string | null;
            from_state: string | null;
            said: {
                [key: string]: unknown;
            };
            to_state: string;
            what: string;
            who: string | null;
            why: string;
        };
        RefreshIn: {
            refresh_token?: string | null;
        };
        RehearsedOut: {
            asset_id: string | null;
            asset_kind: string | null;
            /** Format: date-time */
            at: string;
            /** Format: date-time */
            due_at: string;
            incident_id: string | null;
            incident_number: number | null;
            is_confirmed: boolean;
        };
        /** @enum {string} */
        RepeatKey: "customer" | "caller" | "address" | "asset";
        RepeatOffenderOut: {
            /** Format: date-time */
            first_at: string;
            key: components["schemas"]["RepeatKey"];
            label: string | null;
            /** Format: date-time */
            last_at: string;
            latest: components["schemas"]["RepeatOut"];
            on_closed: number;
            repeats: number;
            subject: string;
            times: number;
        };
        RepeatOut: {
            /** Format: date-time */
            at: string;
            category: string;
            /** Format: uuid */
            earlier_report_id: string;
            earlier_report_number: number;
            /** Format: uuid */
            incident_id: string;
            incident_number: number;
            incident_state: string;
            key: components["schemas"]["RepeatKey"];
            label: string | null;
            on_closed: boolean;
            point: components["schemas"]["PointOut"];
            /** Format: uuid */
            report_id: string;
            report_number: number;
            street: string | null;
            subject: string;
            times: number;
            window_days: number;
        };
        ReportDetailOut: {
            account_no: string | null;
            address_text: string | null;
            caller: components["schemas"]["CallerOut"];
            case_id: string | null;
            category: components["schemas"]["Category"];
            channel: components["schemas"]["Channel"];
            client_id: string | null;
            description: string;
            extent: components["schemas"]["Extent"];
            hand_overs: components["schemas"]["HandOverOut"][];
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            located_at: string | null;
            location: components["schemas"]["LocationOut"] | null;
            /** Format: date-time */
            noticed_at: string;
            number: number;
            /** Format: date-time */
            received_at: string;
            repeat_of: string | null;
            state: components["schemas"]["ReportState"];
            tried: components["schemas"]["TriedOut"] | null;
        };
        /** @enum {string} */
        ReportedHow: "in_person" | "phone" | "message" | "in_writing";
        ReportIn: {
            account_no?: string | null;
            accuracy_m?: number | null;
            address_id?: string | null;
            address_text?: string | null;
            caller?: components["schemas"]["CallerIn"];
            category: components["schemas"]["Category"];
            channel: components["schemas"]["Channel"];
            client_id?: string | null;
            /** @default  */
            description?: string;
            /** @default unknown */
            extent?: components["schemas"]["Extent"];
            noticed_at?: string | null;
            point?: components["schemas"]["PointIn"] | null;
            sent_at?: string | null;
            street?: string | null;
        };
        ReportOnMap: {
            category: string;
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            number: number;
            point: components["schemas"]["PointOut"] | null;
            /** Format: date-time */
            received_at: string;
            state: string;
        };
        ReportOut: {
            account_no: string | null;
            address_text: string | null;
            caller: components["schemas"]["CallerOut"];
            case_id: string | null;
            category: components["schemas"]["Category"];
            channel: components["schemas"]["Channel"];
            client_id: string | null;
            description: string;
            extent: components["schemas"]["Extent"];
            /** Format: uuid */
            id: string;
            incident_id: string | null;
            incident_number: number | null;
            located_at: string | null;
            location: components["schemas"]["LocationOut"] | null;
            /** Format: date-time */
            noticed_at: string;
            number: number;
            /** Format: date-time */
            received_at: string;
            repeat_of: string | null;
            state: components["schemas"]["ReportState"];
            tried: components["schemas"]["TriedOut"] | null;
        };
        /** @enum {string} */
        ReportState: "taken" | "located" | "unlocated";
        RingBackIn: {
            answer: components["schemas"]["Answer"];
            /** Format: uuid */
            customer_account_id: string;
        };
        RingBacksOut: {
            asked: components["schemas"]["AskedOut"][];
            to_ring: components["schemas"]["ToRingOut"][];
        };
        RoleIn: {
            fields: components["schemas"]["PersonalField"][];
            operations: components["schemas"]["Operation"][];
        };
        RoleNameOut: {
            role: string;
            word: string;
        };
        RoleOut: {
            fields: string[];
            group: components["schemas"]["GroupOut"];
            /** Format: uuid */
            id: string;
            name: string;
            operations: string[];
        };
        RouteFeature: {
            geometry: {
                [key: string]: unknown;
            };
            properties: {
                [key: string]: number;
            };
            /** @default Feature */
            type?: string;
        };
        RouteIn: {
            from: components["schemas"]["PointIn"];
            language?: ("zh" | "en") | null;
            to: components["schemas"]["PointIn"];
        };
        RouteOut: {
            geometry: components["schemas"]["LineOut"];
            properties: components["schemas"]["RouteProperties"];
            /**
             * @default Feature
             * @constant
             */
            type?: "Feature";
        };
        RouteProperties: {
            /** Format: uuid */
            assignment_id: string;
            distance_m: number;
            position_age_s: number;
            /** Format: date-time */
            position_recorded_at: string;
            steps: components["schemas"]["StepOut"][];
            travel_time_s: number;
        };
        RuleIn: {
            /** @default told_and_over */
            closure?: components["schemas"]["Closure"];
            code: string;
            /** @default false */
            counts_trigger_day?: boolean;
            cut_off?: string | null;
            deputy_role?: string | null;
            /** @default true */
            is_active?: boolean;
            ladder?: components["schemas"]["RungIn"][];
            n: number;
            /** @default report */
            proof?: components["schemas"]["Proof"];
            recipient_role: string;
            /** @default  */
            source?: string;
            times_min?: number | null;
            trigger: components["schemas"]["Trigger"];
            unit: components["schemas"]["TermUnit"];
            window_days?: number | null;
        };
        RuleOut: {
            closure: components["schemas"]["Closure"];
            code: string;
            counts_trigger_day: boolean;
            cut_off: string | null;
            deputy_role: string | null;
            /** Format: uuid */
            id: string;
            is_active: boolean;
            ladder: components["schemas"]["RungOut"][];
            /** Format: date-time */
            made_at: string;
            made_by: string | null;
            n: number;
            proof: components["schemas"]["Proof"];
            recipient_role: string;
            source: string;
            superseded_at: string | null;
            times_min: number | null;
            trigger: components["schemas"]["Trigger"];
            unit: components["schemas"]["TermUnit"];
            version: number;
            window_days: number | null;
            words: string;
        };
        RulesOut: {
            items: components["schemas"]["RuleOut"][];
            roles: components["schemas"]["RoleNameOut"][];
        };
        RungIn: {
            n: number;
            role: string;
            unit: components["schemas"]["TermUnit"];
        };
        RungOut: {
            n: number;
            role: string;
            unit: components["schemas"]["TermUnit"];
        };
        SessionOut: {
            client_address: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            /** Format: uuid */
            id: string;
            user_agent: string;
            username: string;
        };
        SettingOut: {
            around: [
                string,
                string
            ];
            default: number;
            key: string;
            least: number;
            most: number;
            step: number;
            unit: components["schemas"]["Unit"];
            value: number;
            words: string;
        };
        ShiftIn: {
            /** Format: uuid */
            crew_id: string;
            /** Format: date-time */
            ends_at: string;
            /** Format: date-time */
            starts_at: string;
        };
        ShiftOut: {
            /** Format: uuid */
            crew_id: string;
            /** Format: date-time */
            ends_at: string;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            starts_at: string;
        };
        /** @enum {string} */
        Show: "mine" | "open" | "overdue" | "closed" | "all";
        ShutdownFactsOut: {
            /** Format: date-time */
            ends_at: string;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            starts_at: string;
            title: string;
        };
        ShutdownIn: {
            /** Format: date-time */
            ends_at: string;
            /** @default [] */
            inoperable_valve_ids?: string[];
            pipe_ids: string[];
            /** Format: date-time */
            starts_at: string;
            title: string;
        };
        ShutdownOut: {
            called_off_at: string | null;
            conflicts: components["schemas"]["ConflictOut"][];
            /** Format: date-time */
            created_at: string;
            effect: components["schemas"]["EffectOut"];
            /** Format: date-time */
            ends_at: string;
            /** Format: uuid */
            id: string;
            inoperable_valve_ids: string[];
            pipe_ids: string[];
            /** Format: date-time */
            starts_at: string;
            title: string;
        };
        ShutdownsOut: {
            items: components["schemas"]["ShutdownOut"][];
        };
        /** @enum {string} */
        Side: "left" | "right";
        /** @enum {string} */
        Skill: "inspect" | "repair";
        SnapshotOut: {
            incident: components["schemas"]["IncidentThenOut"] | null;
            is_on_closed: boolean;
            /** Format: date-time */
            taken_at: string;
            times: number | null;
            window_days: number | null;
        };
        SourceFieldOut: {
            examples: string[];
            name: string;
        };
        SourceLayerOut: {
            count: number;
            crs: string | null;
            fields: components["schemas"]["SourceFieldOut"][];
            file: string;
            shape: string;
            source: string;
        };
        SplitIn: {
            report_ids: string[];
        };
        StepIn: {
            /** @default  */
            why?: string;
        };
        StepOut: {
            bearing_deg: number;
            distance_m: number;
            road_name: string | null;
            text: string;
            travel_time_s: number;
            turn: string;
        };
        StreetFactsOut: {
            distance_m: number;
            district: string | null;
            name: string;
        };
        SuggestionOut: {
            address_id: string | null;
            confidence: number;
            district: string | null;
            error_m: number;
            kind: components["schemas"]["MatchKind"];
            point: components["schemas"]["PointOut"];
            street: string;
            text: string;
        };
        SuggestionsOut: {
            items: components["schemas"]["SuggestionOut"][];
        };
        SupplyOut: {
            critical_dry: {
                [key: string]: number;
            };
            critical_low: {
                [key: string]: number;
            };
            dry: number;
            low: number;
            pressure_p50_m: number;
        };
        /** @enum {string} */
        Sureness: "nothing_known" | "anywhere" | "open" | "likely" | "sure";
        TableOut: {
            added: number;
            changed: number;
            same: number;
        };
        /** @enum {string} */
        TermUnit: "working_day" | "hour";
        /** @enum {string} */
        TileSet: "network" | "base";
        TimelineEntryOut: {
            /** Format: date-time */
            at: string;
            from_state: string | null;
            subject: string;
            /** Format: uuid */
            subject_id: string;
            to_state: string;
            what: string;
            who: string | null;
            why: string;
        };
        TokensOut: {
            access_token: string;
            /** Format: date-time */
            expires_at: string;
            refresh_token: string;
            /** Format: date-time */
            session_expires_at: string;
            /**
             * @default bearer
             * @constant
             */
            token_type?: "bearer";
        };
        ToRingOut: {
            account_no: string | null;
            address: string | null;
            bits: number;
            /** Format: uuid */
            customer_account_id: string;
            dry: number;
            name: string | null;
            phone: string | null;
            /** Format: uuid */
            pipe_id: string;
            why: string;
        };
        TrailOut: {
            /** Format: uuid */
            crew_id: string;
            items: components["schemas"]["TrailPointOut"][];
            next: string | null;
            /** Format: date-time */
            since: string;
            /** Format: date-time */
            until: string;
        };
        TrailPointOut: {
            accuracy_m: number | null;
            course_deg: number | null;
            device: string;
            point: components["schemas"]["PointOut"];
            /** Format: date-time */
            received_at: string;
            /** Format: date-time */
            recorded_at: string;
            speed_mps: number | null;
        };
        TriageRulesIn: {
            values: {
                [key: string]: number;
            };
            why: string;
        };
        TriageRulesOut: {
            items: components["schemas"]["SettingOut"][];
            set_at: string | null;
            set_by: string | null;
            why: string | null;
        };
        TrialIn: {
            /** @default 30 */
            days?: number;
            values: {
                [key: string]: number;
            };
        };
        TrialOut: {
            /** Format: date-time */
            asked_at: string;
            days: number;
            ended_at: string | null;
            /** Format: uuid */
            id: string;
            problem: string | null;
            progress: number;
            result: components["schemas"]["TrialResultOut"] | null;
            state: components["schemas"]["TrialState"];
            values: {
                [key: string]: number;
            };
        };
        TrialResultOut: {
            after: components["schemas"]["FiguresOut"];
            before: components["schemas"]["FiguresOut"];
            calls: number;
            differing: number;
            incidents: components["schemas"]["DifferentIncidentOut"][];
        };
        /** @enum {string} */
        TrialState: "waiting" | "running" | "done" | "failed";
        TriedOut: {
            guess?: components["schemas"]["LocationOut"] | null;
            problem?: string | null;
            ways?: string[];
        };
        /** @enum {string} */
        Trigger: "cluster" | "area" | "zone" | "repeat" | "asset_faults";
        /** @enum {string} */
        Unit: "callers" | "hours" | "odds";
        UploadIn: {
            name: string;
            size_bytes: number;
        };
        UploadOut: {
            /** Format: uuid */
            id: string;
            name: string;
            part_bytes: number;
            size_bytes: number;
        };
        UserChangeIn: {
            area?: components["schemas"]["MultiPolygon"] | null;
            is_disabled?: boolean | null;
            is_everywhere?: true | null;
            role?: string | null;
        };
        UserIn: {
            area?: components["schemas"]["MultiPolygon"] | null;
            crew_id?: string | null;
            display_name: string;
            language?: ("zh" | "en") | null;
            password: string;
            role: string;
            username: string;
        };
        UserOut: {
            crew_id: string | null;
            disabled_at: string | null;
            display_name: string;
            has_area: boolean;
            /** Format: uuid */
            id: string;
            language: ("zh" | "en") | null;
            role: string;
            username: string;
        };
        ValveFactsOut: {
            asset_code: string;
            diameter_mm: number | null;
            distance_m: number;
            /** Format: uuid */
            id: string;
            is_closed: boolean;
            lifecycle_status: components["schemas"]["LifecycleStatus"];
            operable: components["schemas"]["Operable"];
            point: components["schemas"]["PointOut"];
            valve_type: components["schemas"]["ValveType"];
        };
        ValveToCloseOut: {
            asset_code: string;
            /** Format: uuid */
            id: string;
            order: number;
            point: components["schemas"]["PointOut"] | null;
        };
        /** @enum {string} */
        ValveType: "gate" | "butterfly" | "zone_boundary" | "other";
        /** @enum {string} */
        Verdict: "too_little_history" | "usual" | "raised" | "far_above";
        VersionDetailOut: {
            accounts_moved: number;
            accounts_without_main: number;
            accounts_without_main_examples: string[];
            bounds: [
                number,
                number,
                number,
                number
            ] | null;
            can_be_read_again: boolean;
            changes: components["schemas"]["KindChangesOut"][];
            compared_with: number | null;
            counts: components["schemas"]["NetworkCountsOut"] | null;
            /** Format: date-time */
            created_at: string;
            created_by: string | null;
            crs: string | null;
            form: components["schemas"]["MappingForm"] | null;
            goes_back_to: number | null;
            is_publishing: boolean;
            layers: components["schemas"]["SourceLayerOut"][];
            mapping: string | null;
            number: number;
            published: number | null;
            published_at: string | null;
            published_by: string | null;
            refusal: string | null;
            rejected: components["schemas"]["NetworkProblemOut"][];
            rejected_count: number;
            segments: number | null;
            source: string;
            state: components["schemas"]["VersionState"];
            transformation: string | null;
            warnings: components["schemas"]["NetworkProblemOut"][];
            warnings_count: number;
        };
        VersionOut: {
            counts: components["schemas"]["NetworkCountsOut"] | null;
            /** Format: date-time */
            created_at: string;
            created_by: string | null;
            crs: string | null;
            goes_back_to: number | null;
            is_publishing: boolean;
            number: number;
            published_at: string | null;
            published_by: string | null;
            refusal: string | null;
            rejected_count: number;
            source: string;
            state: components["schemas"]["VersionState"];
            warnings_count: number;
        };
        VersionsOut: {
            items: components["schemas"]["VersionOut"][];
        };
        /** @enum {string} */
        VersionState: "reading" | "refused" | "draft" | "published" | "superseded" | "discarded";
        WayOut: {
            closures_avoided: string[];
            geometry: {
                [key: string]: unknown;
            };
            metres: number;
            seconds: number;
            steps: components["schemas"]["WayStepOut"][];
        };
        WayStepOut: {
            bearing_deg: number;
            instruction: string;
            metres: number;
            point: components["schemas"]["PointOut"];
            road_name: string | null;
            seconds: number;
            turn: string;
        };
        WhereaboutsIn: {
            account_no?: string | null;
            accuracy_m?: number | null;
            address_id?: string | null;
            address_text?: string | null;
            point?: components["schemas"]["PointIn"] | null;
            street?: string | null;
        };
        WhereaboutsOut: {
            addresses: components["schemas"]["NearAddressOut"][];
            main: components["schemas"]["LocationOut"] | null;
            point: components["schemas"]["PointOut"];
            street: components["schemas"]["NearStreetOut"] | null;
        };
        WhyIn: {
            why: string;
        };
        WorkOrderIn: {
            kind: components["schemas"]["WorkOrderKind"];
        };
        /** @enum {string} */
        WorkOrderKind: "inspect" | "repair";
        /** @enum {string} */
        WorkOrderState: "proposed" | "scheduled" | "under_way" | "suspended" | "done" | "verified" | "cancelled";
        WorkThenOut: {
            crew_code: string | null;
            kind: string;
            number: number;
            on_site_at: string | null;
            state: string;
        };
        YearOut: {
            confirmed_at: string | null;
            days: components["schemas"]["DayOut"][];
            year: number;
        };
        ZoneFeature: {
            geometry: {
                [key: string]: unknown;
            };
            properties: components["schemas"]["ZoneProperties"];
            /**
             * @default Feature
             * @constant
             */
            type?: "Feature";
        };
        ZoneOut: {
            code: string;
            /** Format: uuid */
            id: string;
            name: string;
            outline: {
                [key: string]: unknown;
            } | null;
        };
        ZoneProperties: {
            belief: number;
            length_m: number;
            segment_ids: number[];
        };
        ZonesOut: {
            features: components["schemas"]["ZoneFeature"][];
            /**
             * @default FeatureCollection
             * @constant
             */
            type?: "FeatureCollection";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
