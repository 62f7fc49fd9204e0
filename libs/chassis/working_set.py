"""The records one batch works on: loaded and locked together, seen by each message as the ones before left them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Decision, Delta, Key, Many, NamedBy, OfPage, Page, Record, Records, Via
from libs.chassis.naming import Need, names, way_of, ways_before
from libs.chassis.rows import with_version
from libs.chassis.storage import Storage
from libs.contracts.message import Event

_Children = tuple[type[Record], str]
_Where = tuple[tuple[str, object], ...]


@dataclass(slots=True)
class Needs:
    """What one message needs: to lock (`holds`) and to look at (`reads`)."""

    holds: Sequence[Need]
    reads: Sequence[Need]


@dataclass(slots=True)
class _Wanted:
    """What a batch wants of one table."""

    locked: set[UUID] = field(default_factory=set)
    read: set[UUID] = field(default_factory=set)
    children: dict[tuple[str, _Where, bool], set[UUID]] = field(default_factory=lambda: defaultdict(set))
    first: dict[tuple[str, _Where, str], dict[UUID, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )


class WorkingSet:
    """The identity map of a batch and what of it must be written."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._records: dict[type[Record], dict[UUID, Record]] = defaultdict(dict)
        self._children: dict[_Children, dict[Any, dict[UUID, None]]] = {}
        self._aliases: dict[Via, UUID] = {}
        self._pages: dict[Page, list[UUID]] = {}
        self._named: dict[NamedBy, set[UUID]] = {}
        self._held: set[tuple[type[Record], UUID]] = set()
        self._busy: set[tuple[type[Record], UUID]] = set()
        self._sought: set[tuple[type[Record], UUID]] = set()
        self._busy_parents: set[tuple[_Children, UUID]] = set()
        self._new: dict[type[Record], dict[UUID, None]] = defaultdict(dict)
        self._changed: dict[type[Record], dict[UUID, None]] = defaultdict(dict)
        self._totals: dict[type[Record], dict[UUID, Record]] = defaultdict(dict)
        self._added: dict[type[Record], set[str]] = defaultdict(set)

    # Loading

    async def load(self, connection: AsyncConnection, needs: Iterable[Needs], *, patiently: bool) -> None:
        """Lock what is held in (table, id) order, then load what is read. Busy records are skipped unless patient."""
        needs = list(needs)
        await self._follow(connection, [need for some in needs for need in (*some.holds, *some.reads)])
        await self._look_whom(
            connection, names(need for some in needs for need in (*some.holds, *some.reads))
        )
        wanted: dict[type[Record], _Wanted] = defaultdict(_Wanted)
        for some in needs:
            for need in some.holds:
                self._want(wanted[need.of], need, hold=True)
            for need in some.reads:
                if isinstance(need, Page):
                    await self._turn_to(connection, need)
                else:
                    self._want(wanted[need.of], need, hold=False)
        for of, rows in self._storage.rows.items():
            if of not in wanted:
                continue
            mine = wanted[of]
            parents: dict[UUID, list[tuple[_Children, set[UUID]]]] = defaultdict(list)
            for (by, where, hold), values in mine.children.items():
                self._index(of, by)
                ids = await rows.ids_by(connection, by, values, where)
                (mine.locked if hold else mine.read).update(ids)
                for id in ids if hold else ():
                    parents[id].append(((of, by), values))
            seen: set[UUID] = set()
            if mine.locked:
                loaded, busy = await rows.lock(connection, mine.locked, patiently=patiently)
                self._held.update((of, record.id) for record in loaded)
                self._busy.update((of, id) for id in busy)
                # Whose child is busy cannot be told without reading it, so all parents asked for wait.
                for children, values in (asked for id in busy & parents.keys() for asked in parents[id]):
                    self._busy_parents.update((children, value) for value in values)
                if self._named:
                    self._sought.update((of, id) for id in mine.locked)
                self._keep(loaded)
                seen.update(record.id for record in loaded)
            # Also what another message wanted to lock and somebody else holds: reading needs no lock.
            if unseen := mine.read - seen:
                self._keep(await rows.load(connection, unseen))
            for (by, where, order_by), limits in mine.first.items():
                self._index(of, by)
                first = await rows.first_by(connection, by, limits, where, order_by)
                # Their parent's lock is ours, so they may be saved.
                self._held.update((of, record.id) for record in first)
                self._keep(record for record in first if record.id not in self._records[of])

    async def _turn_to(self, connection: AsyncConnection, page: Page) -> None:
        rows = self._storage.rows[page.of]
        records = await rows.after(connection, page.after, page.limit, page.statuses)
        self._pages[page] = [record.id for record in records]
        self._keep(record for record in records if record.id not in self._records[page.of])

    def _want(self, wanted: _Wanted, need: Need, *, hold: bool) -> None:
        if isinstance(need, Page) or (isinstance(need, OfPage) and hold):
            raise TypeError("a page can be read, not held")
        if isinstance(need, OfPage):
            wanted.children[need.by, (), False].update(self._pages[need.page])
            return
        if isinstance(need, NamedBy):
            (wanted.locked if hold else wanted.read).update(self._named[need])
            return
        if isinstance(need, Key):
            id = self._resolved(need.id)
            if id is not None:
                (wanted.locked if hold else wanted.read).add(id)
            return
        where = tuple(sorted(need.where.items()))
        values = self._named[need.value] if isinstance(need.value, NamedBy) else [self._resolved(need.value)]
        for value in values:
            if value is None:
                continue
            if need.limit is None:
                wanted.children[need.by, where, hold].add(value)
            else:
                # Two messages of one batch want the first n and m: together they need the first n + m.
                wanted.first[need.by, where, need.order_by][value] += need.limit

    async def _follow(self, connection: AsyncConnection, needs: Iterable[Need]) -> None:
        """Find what is named by way of other records, the nearest ones first."""
        ahead = {way for need in needs if isinstance(way := way_of(need), Via)}
        ahead |= {before for way in ahead for before in ways_before(way)}
        while ahead:
            now = {way for way in ahead if way.id not in ahead}
            ahead -= now
            ways: dict[tuple[type[Record], str, str], set[UUID | str]] = defaultdict(set)
            for way in now:
                if (id := self._resolved(way.id)) is not None:
                    ways[way.of, way.field, way.by].add(id)
            for (of, name, by), ids in ways.items():
                table = self._storage.tables[of].fullname
                rows = await connection.execute(
                    text(f"SELECT {by}, {name} FROM {table} WHERE {by} = ANY(:ids)"), {"ids": list(ids)}
                )
                self._aliases.update({Via(of, row[0], name, by): row[1] for row in rows})

    async def _look_whom(self, connection: AsyncConnection, needs: Iterable[NamedBy]) -> None:
        """What is named before anything is locked: tables are locked in one order, whichever names the other."""
        naming: dict[type[Record], list[NamedBy]] = defaultdict(list)
        for need in needs:
            naming[need.by].append(need)
        for by, asking in naming.items():
            several = {need.id for need in asking if isinstance(need.id, Many)}
            children = {many: await self._children_now(connection, many) for many in several}
            for need in asking:
                if isinstance(need.id, Many):
                    self._named[need] = {id for record in children[need.id] for id in need.ids(record)}
            ids = {need: self._resolved(need.id) for need in asking if not isinstance(need.id, Many)}
            loaded = await self._storage.rows[by].load(
                connection, {id for id in ids.values() if id is not None}
            )
            known = {record.id: record for record in loaded}
            for need, id in ids.items():
                self._named[need] = set(need.ids(known[id])) if id in known else set()

    async def _children_now(self, connection: AsyncConnection, many: Many) -> list[Record]:
        """The records of a Many, unlocked, to see whom they name."""
        (value,), rows = self._values(many), self._storage.rows[many.of]
        if value is None:
            return []
        ids = await rows.ids_by(connection, many.by, [value], tuple(sorted(many.where.items())))
        return await rows.load(connection, ids)

    def _resolved(self, id: "UUID | str | Via") -> Any:
        if not isinstance(id, Via):
            return id
        if (before := self._resolved(id.id)) is None:
            return None
        known = self._aliases.get(Via(id.of, before, id.field, id.by))
        if known is None and id.by == "id":
            record = self._records[id.of].get(before)  # made by a message before in this batch
            known = getattr(record, id.field) if record is not None else None
        return known

    def _index(self, of: type[Record], by: str) -> None:
        if (of, by) not in self._children:
            index: dict[Any, dict[UUID, None]] = defaultdict(dict)
            for record in self._records[of].values():
                index[getattr(record, by)][record.id] = None
            self._children[of, by] = index

    def _keep(self, records: Iterable[Record]) -> None:
        for record in records:
            of = type(record)
            self._records[of][record.id] = record
            for (kind, by), index in self._children.items():
                if kind is of:
                    index[getattr(record, by)][record.id] = None

    # What one message sees

    def is_busy(self, needs: Needs) -> bool:
        """Whether somebody else holds a record that this message must lock."""
        if not self._busy and not self._named:
            return False
        for need in needs.holds:
            if isinstance(need, Key):
                if (need.of, self._resolved(need.id)) in self._busy:
                    return True
            elif isinstance(need, NamedBy):
                if any(
                    each in self._busy or (each not in self._held and each not in self._sought)
                    for each in self._named_now(need)
                ):
                    return True
            elif isinstance(need, Many) and any(
                ((need.of, need.by), value) in self._busy_parents for value in self._values(need)
            ):
                return True
        return any(self._names_more(need) for need in (*needs.holds, *needs.reads))

    def _names_more(self, need: Need) -> bool:
        """Whether, by the time they were loaded, there were more of those that name others."""
        if not isinstance(need, NamedBy) or not isinstance(need.id, Many):
            return False
        return any(id not in self._named[need] for _, id in self._named_now(need))

    def _values(self, need: Many) -> list[Any]:
        if isinstance(need.value, NamedBy):
            return [id for _, id in self._named_now(need.value)]
        return [self._resolved(need.value)]

    def _named_now(self, need: NamedBy) -> list[tuple[type[Record], UUID]]:
        if isinstance(need.id, Many):
            self._index(need.by, need.id.by)
            naming = self._children[need.by, need.id.by]
            records = [self._records[need.by][id] for value in self._values(need.id) for id in naming[value]]
            return [(need.of, id) for record in records for id in need.ids(record)]
        id = self._resolved(need.id)
        record = self._records[need.by].get(id) if id is not None else None
        return [(need.of, id) for id in need.ids(record)] if record is not None else []

    def missing(self, needs: Needs) -> tuple[type[Record], UUID] | None:
        """The first record that this message names and that doesn't exist."""
        for need in (*needs.holds, *needs.reads):
            way = way_of(need)
            id = self._resolved(way) if way is not None else None
            if id is None and isinstance(way, Via):
                if any(each.by != "id" for each in (way, *ways_before(way))):
                    continue
                return self._first_missing(way)
            if isinstance(need, Key) and not need.may_be_new and id not in self._records[need.of]:
                return need.of, id  # type: ignore[return-value]
        return None

    def _first_missing(self, way: Via) -> tuple[type[Record], UUID]:
        """The nearest record on the way that doesn't exist."""
        before = self._resolved(way.id)
        if before is None and isinstance(way.id, Via):
            return self._first_missing(way.id)
        return way.of, before  # an id leads to itself

    def seen_by(self, needs: Needs) -> Records:
        """The records that the message declared, as the messages before it left them."""
        seen = Records()
        for need in (*needs.reads, *needs.holds):
            if isinstance(need, Key):
                id = self._resolved(need.id)
                record = self._records[need.of].get(id) if id is not None else None
                if record is not None:
                    seen.put(record)
                continue
            if isinstance(need, Page):
                for id in self._pages[need]:
                    seen.put(self._records[need.of][id])
                continue
            if isinstance(need, NamedBy):
                for of, id in self._named_now(need):
                    if id in self._records[of]:
                        seen.put(self._records[of][id])
                continue
            if isinstance(need, OfPage):
                self._index(need.of, need.by)
                for parent in self._pages[need.page]:
                    for id in self._children[need.of, need.by].get(parent, ()):
                        seen.put(self._records[need.of][id])
                continue
            self._index(need.of, need.by)
            for value in self._values(need):
                for id in self._children[need.of, need.by].get(value, ()):
                    record = self._records[need.of][id]
                    # A message before may have moved it to another parent.
                    where = {need.by: value, **need.where}
                    if all(getattr(record, name) == wanted for name, wanted in where.items()):
                        seen.put(record)
        return seen

    # What it leaves behind

    def sequences(self, decision: Decision) -> dict[int, int]:
        """Check what a decision saves, changing nothing; the sequence of each published fact, by its position."""
        for record in decision.save:
            self._check_may_save(record)
        versions = {record.id: record.version for record in reversed(decision.save)}
        sequences: dict[int, int] = {}
        for position, message in enumerate(decision.publish):
            subject = message.subject_id() if isinstance(message, Event) else None
            if subject is None:
                continue
            if subject not in versions:
                raise RuntimeError(f"{message.type} is about {subject}, which this decision does not save")
            versions[subject] += 1
            sequences[position] = versions[subject]
        return sequences

    def apply(self, decision: Decision) -> None:
        """Take over what a checked decision saves; a record's version becomes the sequence of its last fact."""
        facts = Counter(message.subject_id() for message in decision.publish if isinstance(message, Event))
        first_of = {record.id: record for record in reversed(decision.save)}
        for record in decision.save:
            of, new = type(record), record.version == 0
            said = facts[record.id] if first_of[record.id] is record else 0
            self._keep([with_version(record, record.version + max(said, 1))])
            if new:
                self._new[of][record.id] = None
                self._held.add((of, record.id))
            elif record.id not in self._new[of]:
                self._changed[of][record.id] = None
        for delta in decision.add:
            self._add(delta)

    def _check_may_save(self, record: Record) -> None:
        of = type(record)
        known = self._records[of].get(record.id)
        if record.version == 0:
            if known is not None:
                raise RuntimeError(f"{of.__name__} {record.id} exists already and was saved as new")
        elif of.APPEND_ONLY:
            raise RuntimeError(f"{of.__name__} {record.id} is append-only and was saved again")
        elif (of, record.id) not in self._held:
            raise RuntimeError(f"{of.__name__} {record.id} was saved but is not held")
        elif known is None or known.version != record.version:
            raise RuntimeError(f"{of.__name__} {record.id} was saved from an old version")

    def _add(self, delta: Delta) -> None:
        of, totals = type(delta.record), self._totals[type(delta.record)]
        total = totals.get(delta.record.id) or with_version(delta.record, 1)
        sums = {name: getattr(total, name) + amount for name, amount in delta.amounts.items()}
        kept = with_version(total, 1)
        kept.__dict__.update(sums)
        totals[delta.record.id] = kept
        self._added[of].update(delta.amounts)

    @property
    def created(self) -> Mapping[str, Iterable[UUID]]:
        """The ids of new records, by their kind (their table)."""
        return {self._storage.tables[of].name: ids for of, ids in self._new.items()}

    async def save(self, connection: AsyncConnection) -> None:
        """Write everything in the order in which tables are locked; totals last, because many batches want them."""
        for of, rows in self._storage.rows.items():
            records = self._records[of]
            if new := self._new.get(of):
                await rows.insert(connection, [records[id] for id in new])
            if changed := self._changed.get(of):
                await rows.update(connection, [records[id] for id in changed])
        for of, totals in self._totals.items():
            await self._storage.rows[of].add(connection, totals.values(), self._added[of])
