"""What a utility writes in a field, turned into our values: numbers with units, years, codes, words for states."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.clock import utc_now
from gis.models import CustomerClass, LifecycleStatus, LinkType, Operable, PipeClass, ValveType

T = TypeVar("T")
Objects = NDArray[np.object_]

MILLIMETRES_PER = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "ft": 304.8}
METRES_PER = {
    "mm": 0.001,
    "cm": 0.01,
    "m": 1.0,
    "km": 1000.0,
    "in": 0.0254,
    "ft": 0.3048,
    "us-ft": 1200 / 3937,
}
LITRES_PER_SECOND_PER = {
    "l/s": 1.0,
    "m3/h": 1000 / 3600,
    "m3/d": 1000 / 86_400,
    "l/min": 1 / 60,
    "gpm": 0.0630902,
}
DIAMETER_MOST_MM = 6_000.0
"""Larger mains are tunnels; a larger number is a code or a mistake."""
YEAR_FIRST = 1800

NO_VALUE = frozenset(
    [
        "null",
        "none",
        "nan",
        "nat",
        "n/a",
        "na",
        "<null>",
        "(null)",
        "-",
        "--",
        "---",
        "/",
        "\\",
        ".",
        "?",
        "无",
        "无数据",
        "空",
        "未知",
        "不详",
        "不明",
        "unknown",
        "unk",
        "unbekannt",
        "desconocido",
    ]
)
"""What people write where they know nothing."""

_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_UNIT_MARKS = (
    (re.compile(r"(?i)\d\s*mm\b|毫米|^\s*(?:dn|de|[φΦøØ∅])"), "mm"),
    (re.compile(r"(?i)\d\s*(?:\"|''|″|in\b|inch)|英寸"), "in"),
    (re.compile(r"(?i)\d\s*cm\b|厘米"), "cm"),
    (re.compile(r"(?i)\d\s*(?:ft\b|'|feet)|英尺"), "ft"),
    (re.compile(r"(?i)\d\s*m\b|\d\s*米"), "m"),
)
_DATE_DIGITS = re.compile(r"^(1[89]\d\d|20\d\d)(0[1-9]|1[0-2])([0-3]\d)?(\d{6})?$")


def texts(column: NDArray[Any]) -> Objects:
    """Give each value as trimmed text, None where there is none; whole numbers without a decimal point."""
    return per_distinct(column, _text)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        if not np.isfinite(number):
            return None
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    text = str(value).strip().strip("\x00").strip()
    return None if not text or text.lower() in NO_VALUE else text


def per_distinct(column: NDArray[Any], convert: Callable[[Any], T | None]) -> Objects:
    """Convert every value, each distinct one once: fields of a network repeat themselves."""
    known: dict[Any, T | None] = {}
    result = np.empty(len(column), dtype=object)
    for place, value in enumerate(column.tolist()):
        if value != value:  # NaN, which no table finds again
            continue
        if value not in known:
            known[value] = convert(value)
        result[place] = known[value]
    return result


def numbers(column: NDArray[Any], *, factor: float = 1.0) -> NDArray[np.float64]:
    """Give each value as a number times `factor`, NaN where there is none; `12,5` is twelve and a half."""
    if column.dtype.kind in "iuf":
        values = column.astype(np.float64) * factor
        return np.where(np.isfinite(values), values, np.nan)
    parsed = per_distinct(column, _number)
    return np.array([np.nan if one is None else one for one in parsed], dtype=np.float64) * factor


def _number(value: Any) -> float | None:
    text = _text(value)
    found = None if text is None else _NUMBER.search(text)
    return None if found is None else float(found.group().replace(",", "."))


def diameters_mm(column: NDArray[Any], *, unit: str = "mm") -> tuple[Objects, NDArray[np.bool_]]:
    """Give each diameter in whole millimetres; a unit written at the value (`DN200`, `6"`) comes before the field's.

    Returns
    -------
    diameters, unbelieved
        None where there is none; and which had a value that no main has.
    """
    if column.dtype.kind in "iuf":
        sizes = numbers(column, factor=MILLIMETRES_PER[unit])
    else:
        found = per_distinct(column, lambda value: _sized(value, unit))
        sizes = np.array([np.nan if one is None else one for one in found], dtype=np.float64)
    believed = (sizes >= 1.0) & (sizes <= DIAMETER_MOST_MM)
    unbelieved = np.isfinite(sizes) & ~believed & (sizes != 0)
    rounded = np.round(np.where(believed, sizes, 0)).astype(np.int64)
    result: Objects = rounded.astype(object)
    result[~believed] = None
    return result, unbelieved


def _sized(value: Any, unit: str) -> float | None:
    number = _number(value)
    if number is None:
        return None
    text = _text(value) or ""
    own = next((name for mark, name in _UNIT_MARKS if mark.search(text)), unit)
    return number * MILLIMETRES_PER[own]


def years(column: NDArray[Any]) -> Objects:
    """Give the year of a date, a year or a text that holds one; None where there is none or it lies in the future."""
    last = utc_now().year + 1
    if column.dtype.kind == "M":
        found = column.astype("datetime64[Y]").astype(np.int64) + 1970
        result = np.empty(len(column), dtype=object)
        known = ~np.isnat(column) & (found >= YEAR_FIRST) & (found <= last)
        result[:] = [int(one) if good else None for one, good in zip(found, known, strict=True)]
        return result
    return per_distinct(column, lambda value: _year(value, last))


def _year(value: Any, last: int) -> int | None:
    text = _text(value)
    if text is None:
        return None
    found = _DATE_DIGITS.match(text) or re.search(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)", text)
    year = int(found[1]) if found else None
    return year if year is not None and YEAR_FIRST <= year <= last else None


# --- words for states --------------------------------------------------------------------------------

YES_WORDS = frozenset(["1", "y", "yes", "true", "t", "on", "ja", "oui", "si", "sí", "sim", "是", "有", "√"])
NO_WORDS = frozenset(["0", "n", "no", "false", "f", "off", "nein", "non", "não", "nao", "否", "没有", "×"])
CLOSED_WORDS = frozenset(
    [
        "closed",
        "close",
        "c",
        "nc",
        "shut",
        "off",
        "cerrada",
        "cerrado",
        "fechada",
        "fechado",
        "zu",
        "geschlossen",
        "fermé",
        "fermée",
        "关",
        "关闭",
        "常闭",
        "全关",
        "关阀",
        "已关",
        "闭",
    ]
)
OPEN_WORDS = frozenset(
    [
        "open",
        "opened",
        "o",
        "no",
        "on",
        "abierta",
        "abierto",
        "aberta",
        "aberto",
        "auf",
        "offen",
        "ouvert",
        "ouverte",
        "开",
        "开启",
        "常开",
        "全开",
        "开阀",
        "已开",
    ]
)


def _folded(text: str) -> str:
    return re.sub(r"[\s_\-]+", " ", text.strip().lower())


def _told_by(words: Mapping[T, frozenset[str]]) -> Callable[[Any], T | None]:
    """Look a whole text up, then a word list's entry inside it: the longest wins."""
    flat = {word: meaning for meaning, of in words.items() for word in of}

    def tell(value: Any) -> T | None:
        text = _text(value)
        if text is None:
            return None
        folded = _folded(text)
        if folded in flat:
            return flat[folded]
        inside = [word for word in flat if len(word) > 1 and _is_in(word, folded)]
        return flat[max(inside, key=len)] if inside else None

    return tell


def _is_in(word: str, text: str) -> bool:
    return word in text if not word.isascii() else re.search(rf"\b{re.escape(word)}\b", text) is not None


CLOSED = _told_by(
    {
        True: CLOSED_WORDS | {"normally closed"},
        False: OPEN_WORDS | {"normally open", "partially open"},
    }
)
"""Whether a text says closed; numbers say nothing without a code table."""
YES = _told_by({True: YES_WORDS, False: NO_WORDS})
OPERABLE = _told_by(
    {
        Operable.NO: frozenset(
            {
                "no",
                "n",
                "0",
                "false",
                "inoperable",
                "seized",
                "broken",
                "stuck",
                "frozen",
                "buried",
                "failed",
                "paved over",
                "not operable",
                "non operable",
                "defekt",
            }
            | {
                "坏",
                "损坏",
                "锈死",
                "卡死",
                "故障",
                "掩埋",
                "被埋",
                "不可操作",
                "不能操作",
                "失灵",
                "否",
                "无法操作",
                "不可用",
            }
        ),
        Operable.YES: frozenset(
            {
                "yes",
                "y",
                "1",
                "true",
                "operable",
                "good",
                "ok",
                "working",
                "works",
                "fair",
                "functional",
                "正常",
                "完好",
                "良好",
                "可操作",
                "是",
                "可用",
                "好",
            }
        ),
        Operable.UNKNOWN: frozenset({"unknown", "not tested", "未知", "待查"}),
    }
)
LIFECYCLE = _told_by(
    {
        LifecycleStatus.ABANDONED: frozenset(
            {
                "abandoned",
                "abandon",
                "abn",
                "aband",
                "abd",
                "retired",
                "removed",
                "decommissioned",
                "dead",
                "scrapped",
                "demolished",
                "historic",
                "destroyed",
                "abandonado",
                "abandonada",
                "desativada",
                "desativado",
                "stillgelegt",
                "废弃",
                "报废",
                "废除",
                "拆除",
                "停用拆除",
                "作废",
                "弃用",
                "已废",
            }
        ),
        LifecycleStatus.PROPOSED: frozenset(
            {
                "proposed",
                "planned",
                "design",
                "designed",
                "future",
                "under construction",
                "construction",
                "projected",
                "proyectada",
                "projetada",
                "geplant",
                "规划",
                "设计",
                "拟建",
                "在建",
                "待建",
                "未通水",
                "施工中",
            }
        ),
        LifecycleStatus.OUT_OF_SERVICE: frozenset(
            {
                "out of service",
                "inactive",
                "not in use",
                "disused",
                "disconnected",
                "offline",
                "oos",
                "inativa",
                "inactivo",
                "ausser betrieb",
                "außer betrieb",
                "停用",
                "停水",
                "停运",
                "备用",
                "未启用",
                "闲置",
            }
        ),
        LifecycleStatus.IN_SERVICE: frozenset(
            {
                "in service",
                "in use",
                "active",
                "act",
                "existing",
                "live",
                "operational",
                "built",
                "as built",
                "installed",
                "is",
                "activa",
                "ativa",
                "in betrieb",
                "en service",
                "使用",
                "在用",
                "正常",
                "运行",
                "启用",
                "现状",
                "已建",
                "在役",
                "使用中",
                "已通水",
            }
        ),
    }
)
PIPE_CLASS = _told_by(
    {
        PipeClass.TRANSMISSION: frozenset(
            {
                "transmission",
                "trunk",
                "raw water",
                "feeder",
                "trunk main",
                "transmission main",
                "adutora",
                "输水",
                "原水",
                "主干",
                "输水管",
                "干管",
                "主干管",
            }
        ),
        PipeClass.DISTRIBUTION: frozenset(
            {
                "distribution",
                "main",
                "reticulation",
                "distribution main",
                "rede",
                "配水",
                "配水管",
                "支管",
                "市政",
            }
        ),
        PipeClass.SERVICE: frozenset(
            {
                "service",
                "service line",
                "service connection",
                "lateral",
                "house connection",
                "hausanschluss",
                "ramal",
                "接户",
                "入户",
                "接户管",
                "入户管",
                "用户管",
                "小区",
            }
        ),
        PipeClass.HYDRANT_LATERAL: frozenset(
            {"hydrant", "hydrant lateral", "hydrant lead", "fire", "消防", "消火栓", "消防管"}
        ),
    }
)


class NoIsolation(StrEnum):
    """Kinds of valves that are drawn beside isolation valves and isolate nothing."""

    CHECK = "check"
    AIR = "air"
    WASHOUT = "washout"
    RELIEF = "relief"


_CHECK_WORDS = frozenset(
    {
        "check",
        "check valve",
        "cv",
        "nrv",
        "non return",
        "reflux",
        "backflow",
        "止回阀",
        "止回",
        "逆止阀",
        "单向阀",
        "倒流防止器",
    }
)
_NO_ISOLATION_WORDS = {
    NoIsolation.CHECK: _CHECK_WORDS,
    NoIsolation.AIR: frozenset(
        {"air", "air valve", "arv", "av", "air release", "vent", "ventosa", "排气阀", "排气", "进排气阀"}
    ),
    NoIsolation.WASHOUT: frozenset(
        {
            "washout",
            "scour",
            "blowoff",
            "blow off",
            "drain",
            "flushing",
            "purge",
            "排泥阀",
            "排泥",
            "泄水阀",
            "放水阀",
            "排污阀",
        }
    ),
    NoIsolation.RELIEF: frozenset({"relief", "relief valve", "surge", "泄压阀", "安全阀"}),
}
_LINK_WORDS = {
    LinkType.PUMP: frozenset(
        {"pump", "booster", "pump station", "bomba", "pumpe", "泵", "水泵", "增压泵", "泵站"}
    ),
    LinkType.PRESSURE_REDUCING: frozenset(
        {"prv", "pressure reducing", "pressure reducing valve", "reducing", "减压", "减压阀"}
    ),
    LinkType.PRESSURE_SUSTAINING: frozenset(
        {"psv", "pressure sustaining", "sustaining", "稳压", "持压", "持压阀", "稳压阀"}
    ),
    LinkType.PRESSURE_BREAKER: frozenset({"pbv", "pressure breaker"}),
    LinkType.FLOW_CONTROL: frozenset(
        {"fcv", "flow control", "flow control valve", "流量控制", "流量控制阀", "流控阀", "调流阀"}
    ),
    LinkType.GENERAL_PURPOSE: frozenset({"gpv", "general purpose", "altitude"}),
}
_VALVE_WORDS = {
    ValveType.GATE: frozenset(
        {"gate", "gv", "tcv", "sluice", "gate valve", "schieber", "闸阀", "闸", "软密封闸阀"}
    ),
    ValveType.BUTTERFLY: frozenset({"butterfly", "bfv", "butterfly valve", "klappe", "蝶阀", "蝶"}),
    ValveType.ZONE_BOUNDARY: frozenset(
        {"boundary", "zone", "zone boundary", "division", "dma", "边界", "分区", "边界阀", "分区阀"}
    ),
    ValveType.OTHER: frozenset(
        {
            "other",
            "ball",
            "bv",
            "plug",
            "isolation",
            "line valve",
            "system valve",
            "球阀",
            "其他",
            "其它",
            "旋塞",
            "阀门",
            "检修阀",
        }
    ),
}
LINK_TYPE = _told_by(_LINK_WORDS)
VALVE_KIND = _told_by(
    dict[StrEnum, frozenset[str]](
        chain(
            _VALVE_WORDS.items(),
            ((kind, words) for kind, words in _LINK_WORDS.items() if kind is not LinkType.PUMP),
            _NO_ISOLATION_WORDS.items(),
        )
    )
)
"""What a valve is: an isolation valve of some build, a control valve, or one that isolates nothing."""
CUSTOMER_CLASS = _told_by(
    {
        CustomerClass.DIALYSIS: frozenset({"dialysis", "hemodialysis", "透析", "血透", "血液透析"}),
        CustomerClass.HOSPITAL: frozenset(
            {"hospital", "clinic", "medical", "health", "krankenhaus", "医院", "卫生院", "诊所", "医疗"}
        ),
        CustomerClass.SCHOOL: frozenset(
            {
                "school",
                "kindergarten",
                "university",
                "college",
                "education",
                "escuela",
                "escola",
                "schule",
                "学校",
                "中学",
                "小学",
                "幼儿园",
                "大学",
                "学院",
                "教育",
            }
        ),
        CustomerClass.FIRE_STATION: frozenset({"fire station", "fire brigade", "消防站", "消防队"}),
        CustomerClass.INDUSTRY: frozenset(
            {"industry", "industrial", "factory", "manufacturing", "ind", "工业", "工厂", "企业", "生产"}
        ),
        CustomerClass.BUSINESS: frozenset(
            {
                "business",
                "commercial",
                "office",
                "shop",
                "retail",
                "hotel",
                "restaurant",
                "com",
                "商业",
                "经营",
                "公建",
                "办公",
                "商铺",
                "非居民",
                "单位",
                "酒店",
                "特种",
            }
        ),
        CustomerClass.HOUSEHOLD: frozenset(
            {
                "household",
                "residential",
                "domestic",
                "house",
                "residence",
                "res",
                "apartment",
                "home",
                "居民",
                "住宅",
                "家庭",
                "生活",
                "居民生活",
            }
        ),
    }
)


def enum_of(kind: type[StrEnum]) -> Callable[[Any], Any]:
    """Read a value as one of an enum's own words."""
    members = {member.value: member for member in kind}

    def tell(value: Any) -> Any:
        text = _text(value)
        return None if text is None else members.get(_folded(text).replace(" ", "_"))

    return tell
