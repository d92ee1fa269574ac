"""The catalogue: an index of all recordings that can be rebuilt from the archive (decision 0112).

It finds, sorts and sums up; the archive stays the truth, and everything works without a catalogue.
It holds figures, times, flags, categories and SIDs. Numbers, names and words are keyed tokens
alone, so what a page shows of them comes from the stored analysis of each recording.

For the pages and the API::

    catalogue = context().catalogue                # raises CatalogueUnavailable
    wanted = Filter.parse(request.args.items(multi=True))          # raises InvalidParameter
    sort = Sort.parse(request.args.get("sort"))    # None is -time, the latest first
    page = catalogue.page(wanted, sort, cursor, 25, installs)      # Page(recordings, cursor)
    number = catalogue.count(wanted, installs)
    everything = catalogue.totals(wanted, installs)                # [Group], the key is None
    days = catalogue.totals(wanted, installs, by="day", zone=ZoneInfo("Europe/Berlin"))
    agents = catalogue.totals(wanted, installs, by="agent")        # also queue, install
    ten = catalogue.worst("longest_silence_seconds", wanted, 10, installs)
    rows = catalogue.find([(install, recording_id), …])            # figures of known recordings
    status = catalogue.status(installs)            # is it complete? say so on the page

`installs` are those that the caller may see; for whoever may see all, `catalogue.installs()`.
Nothing of another install is found, counted or summed up, whatever the filter says.

Parameters of an address: `q` (part of a SID, also shortened with …; a number, agent, queue, words),
`install`, `call_sid`, `since` and `until` (moments in ISO 8601, the second not included; without a
zone UTC), `number`, `agent`, `queue`, `words`, `direction`, `outcome`, `source`, `state` (analysed,
failed, unknown), `code`, `flag` and `category` (again and again; a category is `rule` or
`rule=status`), and for each of FIGURES `<figure>_over` and `<figure>_under`, both without the bound
itself: `longest_silence_seconds_over=20&interruptions_over=5`. `sort` is `time` or a figure, with a
minus the highest first. `Filter.parameters()` gives them back for a link.

A recording or a group has the agent and the queue as a group key, `~` and 16 hexadecimal digits,
which the parameters `agent` and `queue` take as well. The name is in the stored analysis under
`call`; of a group, in that of `example`.

CatalogueUnavailable means: say so, and list the archive itself. A recording of state `unknown` is
in the catalogue without figures, until its page is opened or `flask catalogue rebuild` is run.
"""

from addon.catalogue.catalogue import Catalogue, Status
from addon.catalogue.filters import Filter, Range, Sort
from addon.catalogue.grouping import By, Group, Totals
from addon.catalogue.paging import Page
from addon.catalogue.recording import Recording
from addon.catalogue.tables import FIGURES

__all__ = [
    "FIGURES",
    "By",
    "Catalogue",
    "Filter",
    "Group",
    "Page",
    "Range",
    "Recording",
    "Sort",
    "Status",
    "Totals",
]
