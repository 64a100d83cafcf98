"""What the network's package refuses, each by its own name."""

from core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable


class BadCoordinate(Invalid):
    """Longitude must lie in -180..180 and latitude in -90..90."""


class OutsideServiceArea(Invalid):
    """The point lies outside the area this utility serves; check it and the order of longitude and latitude."""


class NoServiceArea(Unavailable):
    """No network is loaded yet; import one or start the demo."""


class NetworkWithoutPlace(NoServiceArea):
    """The network was imported without a place on Earth; it can be traced, not drawn or searched by place."""


class NoRoadGraph(Unavailable):
    """No road graph is loaded yet; import roads or start the demo."""


class NoRoadNearby(Invalid):
    """No road lies near that point; it cannot be driven to."""


class NoRouteFound(Conflict):
    """No way leads there by road."""


class NothingToLocate(Invalid):
    """Give an account number, a phone number, an address or a point."""


class NoMainNearby(Invalid):
    """No main lies near that place; ask the caller for a better description."""


class AddressNotFound(NotFound):
    """No address like that is known; ask for the street and the number, or pick a suggestion."""


class AccountNotFound(NotFound):
    """No customer has that account number."""


class CallerUnknown(NotFound):
    """No customer account has that phone number."""


class PipeNotFound(NotFound):
    """There is no such pipe in the network."""


class SegmentNotFound(NotFound):
    """There is no such segment in the network."""


class ValveNotFound(NotFound):
    """There is no such valve in the network."""


class CityAlreadyLoaded(Conflict):
    """The database already holds a network; use another workspace."""


class BadBundle(Invalid):
    """The city bundle is incomplete or of another version; build it again."""


class BadExtract(Invalid):
    """The road extract cannot be read, or holds no streets."""


class BadAddressFile(Invalid):
    """The file of addresses or roads cannot be read."""


class BadNetworkFile(Invalid):
    """The file cannot be read as a network; the text names file, line or feature, and what is wrong."""


class BadNetworkMapping(Invalid):
    """The mapping does not fit the files; the text names the layer or the field."""


class NetworkFileTooLarge(TooLarge):
    """The upload is larger than this system takes."""


class VersionNotFound(NotFound):
    """There is no version of the network of that number."""


class NotADraft(Conflict):
    """The version is not in a state in which this can be done; look at the list again."""


class BrokenDraft(Invalid):
    """The network that was read does not hold together; correct the files or the mapping and read them again."""


class AnotherPublishes(Conflict):
    """Another version is being published at this moment; try again when it is done."""


class UploadNotFound(NotFound):
    """There is no such upload of yours that still waits to be read; send the file again."""


class IncompleteUpload(Conflict):
    """Only a part of the file arrived; send it again."""


class NoSuchDraftTile(NotFound):
    """There is no such tile."""


class WholeNetworkOnly(Forbidden):
    """Versions concern the whole network; only people whose area is not limited may work on them."""


class AssetNotFound(NotFound):
    """No asset of the network has that code; check it letter by letter."""


class ShutdownNotFound(NotFound):
    """There is no such planned shutdown."""


class ShutdownOver(Conflict):
    """The shutdown is over or called off; plan another one."""


class ShutdownTimesWrong(Invalid):
    """A shutdown must end after it starts, and not lie in the past."""


class NetworkTooLargeToSimulate(Conflict):
    """The network is too large to be simulated while somebody waits; the plan itself holds without it."""


class NotSimulable(Conflict):
    """The records are not enough for a hydraulic model."""


class CheckTookTooLong(Unavailable):
    """EPANET found no answer in time; the plan itself holds without it."""


class BadPlaces(Invalid):
    """The list of places cannot be read; the text names file and line, and what is wrong."""


class BadClosedAreas(Invalid):
    """The closed areas cannot be read; the text names file and feature, and what is wrong."""


class ClosureNotFound(NotFound):
    """There is no such road closure."""


class ClosureOver(Conflict):
    """The closure is over or lifted; make another one."""


class ClosureTimesWrong(Invalid):
    """A closure must end after it starts, and not lie in the past."""


class BadClosureArea(Invalid):
    """What is to be closed is no area on Earth; check the coordinates and their order."""


class ClosureTooLarge(Invalid):
    """The closure measures more than 20 km from side to side; close the roads that are meant."""


class ClosureOutsideServiceArea(Invalid):
    """The closure does not touch the area this utility serves; check it and the order of longitude and latitude."""


class ClosureElsewhere(Invalid):
    """The closure reaches beyond your area; draw it within."""


class ClosureBeyondArea(Forbidden):
    """The closure reaches beyond your area; only people whose area holds all of it may change or lift it."""


class BadPicture(Invalid):
    """The file cannot be read as a picture; send a JPEG, PNG or WebP file, whole."""


class PictureTooLarge(TooLarge):
    """The picture is larger than this system takes; send a smaller one."""


class PictureWithoutPlace(Invalid):
    """The picture does not say where it was taken; give its longitude and latitude."""


class PictureTakenInTheFuture(Invalid):
    """A picture cannot be taken later than now; correct the time."""


class PictureNotFound(NotFound):
    """There is no such picture, or it is not yours to see."""


class PictureElsewhere(Conflict):
    """The very same picture is stored at a place outside your area; it stays there."""


class PictureWithdrawn(Conflict):
    """The very same picture was withdrawn; whoever did so can restore it."""


class PictureOfOthers(Forbidden):
    """Somebody else added this picture; ask him, or a supervisor, to withdraw it."""


class PlaceNameNotFound(NotFound):
    """There is no such name of a place, or it is not yours to see."""


class PlaceNameTooShort(Invalid):
    """A name needs two letters, digits or characters at least, or it would be heard in everything that is said."""


class PlaceNameKnown(Conflict):
    """A place within 50 m has that name already; change that one, or choose another name."""


class PlaceNameWithdrawn(Conflict):
    """The name was withdrawn; restore it before you change it."""


class PlaceNameOfOthers(Forbidden):
    """Somebody else gave this name; ask him, or a supervisor, to change or withdraw it."""
