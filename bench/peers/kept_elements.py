"""Tells by their values which elements of a network's tensors a cut network kept.

All elements of a tensor have to differ from each other. Needs numpy alone.
"""

import re

import numpy


def is_distinct(values):
    """Whether no two elements are equal."""
    return values.size > 1 and numpy.unique(values).size == values.size


def kept_by_name(whole, small, masks):
    """Masks of tensors that the small network has by the same name; returns the small ones used."""
    used = set()
    for name, values in whole.items():
        if name not in small:
            continue
        if not is_distinct(values):
            if small[name].shape == values.shape:
                masks[name] = numpy.ones(values.shape, bool)
                used.add(name)
        elif numpy.isin(small[name], values).all():
            masks[name] = numpy.isin(values, small[name])
            used.add(name)
    return used


def kept_by_value(whole, small, masks, used):
    """Masks of tensors that the small network has by other names, transposed or joined perhaps.

    Returns whether all of its values are then accounted for.
    """
    for name, values in whole.items():
        if name in masks or name in small or not is_distinct(values):
            continue
        order = numpy.sort(values, axis=None)
        found = numpy.zeros(values.shape, bool)
        for other, part in small.items():
            if other in used or not is_distinct(part) or part.size > values.size:
                continue
            places = numpy.searchsorted(order, part.reshape(-1)[:4]).clip(max=order.size - 1)
            if (order[places] == part.reshape(-1)[:4]).all() and numpy.isin(part, values).all():
                found |= numpy.isin(values, part)
                used.add(other)
        if found.any():
            masks[name] = found
    rest = [part.reshape(-1) for other, part in small.items() if other not in used and part.size > 1]
    pool = numpy.unique(numpy.concatenate(rest)) if rest else numpy.zeros(0, numpy.float32)
    explained = numpy.zeros(pool.size, bool)
    for name, values in whole.items():
        if name in masks or name in small or not is_distinct(values):
            continue
        if numpy.isin(values, pool).any():
            masks[name] = numpy.isin(values, pool)
            explained |= numpy.isin(pool, values)
    return bool(explained.all())


def beside(name, size, masks, weights, transposed):
    """The mask of a bias, mean or variance from that of the weight beside it, or None."""
    stem, _, leaf = name.rpartition(".")
    leaf = re.sub(r"bias|running_mean|running_var", "weight", leaf)
    weight = weights.get(name, f"{stem}.{leaf}" if stem else leaf)
    if weight not in masks or weight == name:
        return None
    mask = masks[weight]
    if weight in transposed:
        groups = transposed[weight]
        each = mask.reshape(groups, mask.shape[0] // groups, mask.shape[1], -1)
        rows = each.any((1, 3)).reshape(-1)
    else:
        rows = mask.reshape(len(mask), -1).any(1)
    return rows if rows.size == size else None


def what_was_kept(whole, small, weights, transposed):
    """(masks by name, names without one, whether the small one has none but values of the whole).

    `weights` names the weight beside a bias where names do not tell, `transposed` the groups of
    transposed convolutions by their weights.
    """
    masks = {}
    used = kept_by_name(whole, small, masks)
    pure = kept_by_value(whole, small, masks, used)
    unknown = []
    for name, values in whole.items():
        if name in masks or values.size < 2:
            continue
        mask = beside(name, values.size, masks, weights, transposed)
        if mask is not None:
            masks[name] = mask.reshape(values.shape)
        elif is_distinct(values):
            unknown.append(name)
    return masks, unknown, pure


def is_whole(masks):
    """Whether nothing was removed."""
    return all(mask.all() for mask in masks.values())
