"""What a caller says about a place -> places that could be meant, best first, each with how sure one may be.

`search` asks, `reading` takes the words apart, `names` hears names in them by their `sounds`, `matching` weighs what they could mean
against the `gazetteer`, `streets` tells numbers that no address has and where roads meet.
"""

from gis.geocoding.folding import normalise
from gis.geocoding.matching import MatchKind
from gis.geocoding.parsing import ParsedAddress, parse_address
from gis.geocoding.search import ERROR_M, AddressCandidate, geocode, suggest_addresses

__all__ = [
    "ERROR_M",
    "AddressCandidate",
    "MatchKind",
    "ParsedAddress",
    "geocode",
    "normalise",
    "parse_address",
    "suggest_addresses",
]
