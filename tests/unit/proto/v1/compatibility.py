# SPDX-License-Identifier: Apache-2.0
"""Compares the services' descriptors with those that clients out there were made from.

    compatibility.py KEPT BUILT             says what no longer fits, or is not recorded yet; exit status 1 if there is anything
    compatibility.py --update KEPT BUILT    records BUILT in KEPT, if everything that is recorded still fits

KEPT is a FileDescriptorSet as text, BUILT one in binary, as protoc writes it. What is recorded keeps its number, name, type
and place for ever; a field or value that goes leaves its number and its name behind as `reserved`.
"""
import pathlib
import sys

from google.protobuf import descriptor_pb2, text_format

FIELD_FACTS = ("name", "label", "type", "type_name", "proto3_optional", "json_name")
METHOD_FACTS = ("input_type", "output_type", "client_streaming", "server_streaming")


def by(items, key):
    return {getattr(item, key): item for item in items}


def is_reserved(number, ranges, inclusive):
    return any(r.start <= number < r.end + inclusive for r in ranges)


def changed(path, old, new, facts):
    for fact in facts:
        before, now = getattr(old, fact), getattr(new, fact)
        if before != now:
            yield f"{path}: {fact} was {before!r} and is {now!r}"


def oneof_of(message, field):
    return message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""


def field_faults(path, old, new):
    names = by(new.field, "name")
    numbers = by(new.field, "number")
    for field in old.field:
        where = f"{path}.{field.name} = {field.number}"
        now = numbers.get(field.number)
        if now is None:
            if field.name in names:
                yield f"{where}: renumbered to {names[field.name].number}"
            elif not is_reserved(field.number, new.reserved_range, 0) or field.name not in new.reserved_name:
                yield f"{where}: dropped without reserving both its number and its name"
            continue
        yield from changed(where, field, now, FIELD_FACTS)
        if oneof_of(old, field) != oneof_of(new, now):
            yield f"{where}: moved from oneof {oneof_of(old, field)!r} to {oneof_of(new, now)!r}"


def enum_faults(path, old, new):
    numbers = by(new.value, "number")
    for value in old.value:
        where = f"{path}.{value.name} = {value.number}"
        now = numbers.get(value.number)
        if now is not None:
            yield from changed(where, value, now, ("name",))
        elif not is_reserved(value.number, new.reserved_range, 1) or value.name not in new.reserved_name:
            yield f"{where}: dropped without reserving both its number and its name"


def message_faults(path, old, new):
    yield from field_faults(path, old, new)
    yield from scope_faults(path, old.nested_type, new.nested_type, message_faults)
    yield from scope_faults(path, old.enum_type, new.enum_type, enum_faults)
    for range_ in old.reserved_range:
        if not all(is_reserved(n, new.reserved_range, 0) for n in range(range_.start, range_.end)):
            yield f"{path}: {range_.start} to {range_.end - 1} is no longer reserved"
    for name in set(old.reserved_name) - set(new.reserved_name):
        yield f"{path}: the name {name!r} is no longer reserved"


def service_faults(path, old, new):
    methods = by(new.method, "name")
    for method in old.method:
        where = f"{path}.{method.name}"
        if method.name not in methods:
            yield f"{where}: dropped"
        else:
            yield from changed(where, method, methods[method.name], METHOD_FACTS)


def scope_faults(path, old, new, faults):
    names = by(new, "name")
    for item in old:
        where = f"{path}.{item.name}"
        yield from faults(where, item, names[item.name]) if item.name in names else (f"{where}: dropped",)


def merged(files):
    """The set's contents as one file a package: which file says a thing is nobody's business but the compiler's."""
    packages = {}
    for file in sorted(files.file, key=lambda f: f.name):
        whole = packages.setdefault(file.package, descriptor_pb2.FileDescriptorProto(package=file.package))
        for part in ("message_type", "enum_type", "service"):
            getattr(whole, part).extend(getattr(file, part))
    return packages


def faults(old, new):
    """What a client made from `old` would find broken in `new`."""
    now = merged(new)
    for package, before in merged(old).items():
        after = now.get(package, descriptor_pb2.FileDescriptorProto())
        yield from scope_faults(package, before.message_type, after.message_type, message_faults)
        yield from scope_faults(package, before.enum_type, after.enum_type, enum_faults)
        yield from scope_faults(package, before.service, after.service, service_faults)


def main(*words):
    update = words[0] == "--update"
    kept, built = map(pathlib.Path, words[update:])
    new = descriptor_pb2.FileDescriptorSet.FromString(built.read_bytes())
    old = text_format.Parse(kept.read_text(), descriptor_pb2.FileDescriptorSet())
    broken = list(faults(old, new))
    if broken:
        print("\n".join(broken))
        return 1
    if update:
        new.file.sort(key=lambda file: file.name)
        kept.write_text(text_format.MessageToString(new))
        return 0
    added = [fault.split(":")[0] for fault in faults(new, old)]
    if added:
        print(f"new, and not recorded yet: {', '.join(added)}\nrecord it: cmake --build --preset test --target record_descriptors")
    return 1 if added else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
