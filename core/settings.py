"""Every setting of the product, read once from the environment."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The one class of settings; secrets have no default, the launcher makes them."""

    model_config = SettingsConfigDict(env_prefix="MAINLINE_", extra="ignore", frozen=True)

    # Servers and processes
    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL",
        description="PostgreSQL + PostGIS, `postgresql+psycopg://…`; made by the launcher.",
    )
    mqtt_url: SecretStr | None = Field(
        None,
        validation_alias="MQTT_URL",
        description="The crews' broker, `mqtt://user:password@host:port`; made by the launcher.",
    )
    mqtt_publisher_url: SecretStr | None = Field(
        None, description="The same broker for the process that writes to crews; without it, `MQTT_URL`."
    )
    broker_folder: Path | None = Field(
        None,
        description="Folder of the private broker's password file, ACL and pid; empty for a broker kept by others.",
    )
    token_secret: SecretStr = Field(
        description="Key that signs access tokens and tells callers apart, 32 bytes or more; made by the launcher. "
        "A new one ends all log-ins, and earlier calls of a caller are not known as his any more."
    )
    workspace: str = Field("main", description="Name of the isolated database these processes serve.")
    web_host: str = Field("127.0.0.1", description="Address the web process listens on.")
    web_port: int = Field(8080, description="Port the web process listens on.")
    pages_dir: Path | None = Field(None, description="Folder with the built pages; empty: API only.")
    run_dir: Path | None = Field(
        None, description="Folder where processes leave their heartbeat files; empty: none."
    )
    log_level: str = Field("INFO", description="Least level that is logged.")
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses whose `X-Forwarded-For` is believed, JSON list."
    )
    database_pool_size: int = Field(
        10,
        description="Connections a process keeps open, and requests the web process works on at once; the others wait.",
    )

    # Who may do what
    access_token_minutes: int = Field(15, description="Real minutes an access token is good for.")
    session_hours: int = Field(12, description="Real hours after which a log-in ends.")
    login_failures_max: int = Field(
        5,
        description="Failed log-ins of one name from one address before a pause; ten times as many of either alone.",
    )
    login_pause_minutes: int = Field(15, description="Real minutes of that pause.")
    request_bytes_max: int = Field(1_000_000, description="Largest request body taken, bytes.")
    network_upload_bytes_max: int = Field(
        200_000_000,
        description="Largest file of a network taken, bytes; it comes in parts of at most 8,000,000.",
    )
    secure_cookies: bool = Field(
        False, description="Mark cookies Secure; set it wherever pages come over HTTPS."
    )

    # The utility
    utility_name: str = Field("Mainline", description="Name shown in page titles and printed sheets.")
    default_language: str = Field("zh", description="Language of people who have not chosen one: zh or en.")
    utility_timezone: str = Field("Asia/Shanghai", description="Zone in which promises are computed.")
    holiday_country: str = Field("CN", description="ISO 3166 code whose public holidays seed the calendar.")
    service_area_margin_m: float = Field(
        500.0, description="How far outside the service area a point may lie, metres."
    )
    phone_region: str = Field(
        "CN", description="ISO 3166 code for phone numbers written without a country code."
    )

    # Events, deadlines, jobs
    relay_batch_events: int = Field(
        20, description="Events read at once; a transaction handles as many as fit its time."
    )
    relay_poll_s: float = Field(
        0.5, description="Real seconds after which the relay looks without being woken."
    )
    event_attempts_max: int = Field(8, description="Failures after which an event is parked for an operator.")
    event_retry_s: float = Field(2.0, description="Real seconds before the first retry; doubles each time.")
    deadline_poll_s: float = Field(1.0, description="Real seconds between sweeps of due deadlines.")
    deadline_batch: int = Field(500, description="Deadlines fired in one transaction.")

    # Location
    locate_radius_m: float = Field(120.0, description="How far a main may be from a reported place, metres.")
    gps_accuracy_default_m: float = Field(
        15.0, description="Assumed error of a point that states none, metres."
    )
    locate_confidence_min: float = Field(
        0.25, description="Confidence below which an agent confirms the place."
    )

    # Reports
    report_future_tolerance_s: float = Field(
        300.0, description="How far a sender's clock may run ahead of ours, seconds."
    )
    repeat_distance_max_m: float = Field(
        200.0, description="Greatest distance between a caller's report and the one it repeats, metres."
    )
    caller_history_days: int = Field(30, description="Days of a caller's reports shown while he is calling.")

    # Crews' positions
    ingest_batch_rows: int = Field(1000, description="Positions stored in one transaction at most.")
    ingest_batch_ms: int = Field(200, description="Real milliseconds a position waits for its batch at most.")
    position_future_tolerance_s: float = Field(
        60.0, description="How far a device's clock may run ahead, seconds."
    )
    position_stale_s: float = Field(600.0, description="Age after which a crew's position is stale, seconds.")
    position_accuracy_max_m: float = Field(
        500.0, description="Worst accuracy of a position worth keeping, metres."
    )
    presence_offline_s: float = Field(
        3600.0, description="Silence after which a crew's phone counts as offline, seconds."
    )
    ingest_client_id: str = Field(
        "mainline-ingest",
        description="The ingest process's fixed name at the broker; each of several needs its own.",
    )
    ingest_share_group: str = Field(
        "",
        description="Group in which several ingest processes divide the messages; empty for one alone. "
        "Mosquitto forgets groups when it starts again, until an ingest is back.",
    )
    position_keep_days: int = Field(90, description="Days a trail is kept.")

    # Triage and dispatch
    repeat_window_s: float = Field(
        604_800.0, description="A customer who reports the same again within this is a repeat, seconds."
    )
    duplicate_odds_min: float = Field(
        1.5,
        description="Times likelier than chance an earlier report must be the same matter to be suggested.",
    )
    duplicate_suggestions_max: int = Field(
        3, description="Earlier reports suggested while a report is taken, at most."
    )
    duplicate_days: int = Field(
        90, description="Age up to which earlier reports are suggested and learnt from, days."
    )
    auto_dispatch: bool = Field(
        True, description="Make and offer work orders without waiting for a dispatcher."
    )
    offer_timeout_s: float = Field(180.0, description="Time a crew has to answer an offer, seconds.")
    assignment_retry_s: float = Field(
        120.0, description="Time after which work no crew could take is tried again, seconds."
    )
    arrival_promise_s: float = Field(
        2700.0, description="Promised time from opening to a crew on site, seconds."
    )
    estimate_review_s: float = Field(
        3600.0, description="Time after which a restoration estimate must be reviewed, seconds."
    )
    repair_usual_s: float = Field(
        10_800.0, description="Usual time from a crew's arrival to water being back, seconds."
    )
    ask_again_s: float = Field(
        1800.0,
        description="Time before a crew that declined a job, or let its offer expire, is asked again, seconds.",
    )
    triage_background_per_1000_day: float = Field(
        2.0, description="Calls that come without a common cause, a day and 1,000 customers."
    )
    dry_callers_pct: float = Field(
        5.0,
        description="Of customers without water, how many call, percent; silence tells where it is not broken.",
    )
    ring_back_wrong_pct: float = Field(
        3.0, description="Of customers asked whether they have water, how many say what is not so, percent."
    )
    ring_backs_max: int = Field(5, description="Customers proposed at once to be rung about an incident.")

    # Repeats and faults that come back
    repeat_no_water_days: int = Field(
        3, description="Days within which no water again, at the same customer, address or main, is a repeat."
    )
    repeat_low_pressure_days: int = Field(
        7, description="Days within which low pressure again, at the same place, is a repeat."
    )
    repeat_leak_days: int = Field(
        7, description="Days within which a leak again, at the same place, is a repeat."
    )
    repeat_water_quality_days: int = Field(
        14, description="Days within which bad water again, at the same place, is a repeat."
    )
    repeat_other_days: int = Field(
        7, description="Days within which any other matter again, of the same customer, is a repeat."
    )
    rectify_pipe_faults_min: int = Field(
        2, description="Faults of one main, or one valve, that open a rectification."
    )
    rectify_pipe_days: int = Field(365, description="Period in which they are counted, days.")
    rectify_segment_faults_min: int = Field(
        3, description="Faults on more than one main of a valve segment that open a rectification."
    )
    rectify_segment_days: int = Field(365, description="Period in which they are counted, days.")
    rectify_zone_faults_min: int = Field(
        3, description="Faults of pressure or quality in one zone that open a rectification."
    )
    rectify_zone_days: int = Field(90, description="Period in which they are counted, days.")
    rectify_observation_days: int = Field(
        90, description="Days a cured asset is observed, unless its case says otherwise."
    )

    # Callbacks
    callback_due_s: float = Field(
        1800.0, description="Time after closure by which a caller is to hear back, seconds."
    )
    callback_retry_s: float = Field(
        900.0, description="Time before a caller not reached is tried again, seconds."
    )
    callback_attempts_max: int = Field(
        3, description="Attempts after which a callback is given up with its reason."
    )
    callback_claim_s: float = Field(
        600.0, description="Time an agent may hold a callback without an outcome, seconds."
    )


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the environment once for this process."""
    return Settings()  # pydantic fills the fields from the environment
