# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # What did the network see?
#
# From a network that finds new particles to a trigger that keeps them
#
# > **After this notebook you can**
# >
# > - say how many events a search expects, and what they are worth against an uncertain background
# > - grade saliency and Grad-CAM against the true places of a particle's traces
# > - turn what a map shows into quantities that can be measured, calibrated and computed in a trigger
# > - tell what a better analysis can recover from what only a better trigger can
#
# **25 minutes**, and 25 for the exercises · builds on *Where does the network look?* · data: collisions simulated here

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# Your experiment will take $10\ \mathrm{ab}^{-1}$ of collisions. A heavy particle may be in them, and you trained a network that
# recognises it in pictures of the calorimeter. It is the best of the collaboration. But you expect too few events to ever claim a
# discovery.
#
# On Friday the trigger board meets: it decides which collisions of the coming years are written to tape. "Your network has seen
# *something*," says its chair. "Tell us what, in words that fit into our electronics, and you may have a line in the menu."

# %% tags=["setup"]
import copy
import itertools

import numpy as np
import pandas as pd
import torch
from captum.attr import LayerGradCam
from scipy.stats import beta, norm, poisson
from sklearn.metrics import roc_auc_score

from xaicourse.attribution import grad_cam, saliency
from xaicourse.datasets import simulate_collisions
from xaicourse.datasets.collisions import CROSS_SECTIONS, LUMINOSITY, MASS
from xaicourse.exercises import collider_images as exercises
from xaicourse.jets import coarse_mass, significance, two_prongs
from xaicourse.networks import small_cnn, train_network
from xaicourse.plotting import bars, lines, pictures
from xaicourse.teaching import (
    check,
    claim,
    hint,
    progress,
    run_on_gpu,
    say,
    show,
    show_source,
    table,
)

seed = 0
z999 = norm.ppf(0.9995)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The physics in a page
#
# <!-- Draw the two prongs on the board: close together when they share equally, wide apart when one takes most. -->
#
# - A collision throws a **jet** into the calorimeter: particles close together, with a momentum $p_T$ that follows a falling
#   power law.
# - The **new particle** decays into two quarks: two *prongs* with shares $z$ and $1 - z$ of the momentum, at the distance
#   $R = m / (p_T \sqrt{z (1 - z)})$. Its mass $m$ is always the same.
# - The **background** is one quark or gluon. In six cases of ten it splits into two prongs as well, mostly unequal and close
#   ones. Some of its pictures look like signal. Nothing separates the two by construction.
# - The **calorimeter** blurs, measures with an error, and adds up what falls into a cell.
#
# The total energy of a picture is divided out, and kept beside it. Why? We come back to it at the end.

# %% slideshow={"slide_type": "fragment"} tags=["live:simulate collisions"]
names = ("background", "signal")
samples = {  # to choose cuts with, and to judge them with: events that no choice has seen
    "choose": [
        simulate_collisions(40_000, signal_share=0, seed=10 * seed + 1),
        simulate_collisions(4000, signal_share=1, seed=10 * seed + 2),
    ],
    "judge": [
        simulate_collisions(60_000, signal_share=0, seed=10 * seed + 3),
        simulate_collisions(6000, signal_share=1, seed=10 * seed + 4),
    ],
}
samples["judge"]

# %%
background, signal = samples["choose"]
both = [
    np.sqrt(events.images[i, 0])
    for events in (signal, background)
    for i in range(5)
]
ten_events = pictures(
    {str(i): picture for i, picture in enumerate(both)},
    columns=5,
    titles=["signal: 0", "1", "2", "3", "4"],
)
between = signal.truth.prongs[:, 0] - signal.truth.prongs[:, 1]
apart = np.hypot(*between.T).mean()

# %%
show(
    ten_events,
    caption="Five pictures of the new particle (above) and five of background "
    "(below); brightness is the root of the energy.",
    alt="Ten dark pictures with bright specks. Above, each shows two separate "
    "clusters. Below, most show one cluster; the distance of two clusters "
    "above is {apart:.2f} rad on average.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many events, and what are they worth?
#
# Cross-section times luminosity is the number produced. The trigger writes a collision if its momentum is above 650 GeV: most are never
# seen by anyone. $s$ events on top of $b$ are worth about $s / \sqrt b$ standard deviations; the exact formula also takes in that we
# know the background to ten per cent only. Physics calls five of them a discovery.

# %% tags=["live:count"]
produced = [CROSS_SECTIONS[name] * LUMINOSITY for name in names]


def judge(passed):
    """Expected events of signal and background, their ratio with a 99.9 % interval, and the significance."""
    k, n = np.array([p.sum() for p in passed]), np.array([len(p) for p in passed])
    low, high = beta.ppf(0.0005, np.maximum(k, 1e-9), n - k + 1), beta.ppf(0.9995, k + 1, np.maximum(n - k, 1e-9))
    b, s = produced * k / n
    interval = produced[1] * np.array([low[1], high[1]]) / (produced[0] * np.array([high[0], low[0]]))
    return {"s": s, "b": b, "ratio": s / b, "ratio_interval": interval, "efficiency": k[1] / n[1],
            "efficiency_interval": [low[1], high[1]], "Z": significance(s, b, uncertainty=0.1)}  # fmt: skip


old = {name: [events.intensity > 650 for events in pair] for name, pair in samples.items()}
everything = judge([np.ones(len(events.labels), bool) for events in samples["judge"]])
recorded = judge(old["judge"])

# %%
say(
    'The accelerator makes {everything["s"]:.0f} new particles and '
    '{everything["b"]:,.0f} jets of background. The trigger writes '
    '{recorded["s"]:.1f} and {recorded["b"]:.0f} of them: S/B is '
    '{recorded["ratio"]:.3f}, and the excess is worth {recorded["Z"]:.2f} '
    "standard deviations.",
    tolerance={
        'recorded["s"]': 0.1,
        'recorded["b"]': 1.0,
        'recorded["ratio"]': 0.001,
        'recorded["Z"]': 0.01,
    },
)
claim(
    "Before any selection S/B is at most 0.05, and a background known to ten "
    "per cent hides the signal",
    max(everything["ratio"], recorded["ratio"]) <= 0.05 and recorded["Z"] < 1,
    evidence='S/B {everything["ratio"]:.3f} as produced, '
    '{recorded["ratio"]:.3f} as recorded; {recorded["Z"]:.2f} standard '
    "deviations",
    tolerance={'recorded["ratio"]': 0.001, 'recorded["Z"]': 0.01},
    fails_if="the background were ten times rarer",
)

# %% [markdown]
# Is the formula right? The exact answer for a known background is the Poisson distribution: how rare are $s + b$ events or more, if only
# $b$ are expected? (Events come in whole numbers; we take the middle of the step.)

# %% tags=["live:check the formula"]
cases = [(20, 50), (30, 400), (12, 9)]
exact = [norm.isf((poisson.sf(s + b - 1, b) + poisson.sf(s + b, b)) / 2) for s, b in cases]
formula = [significance(s, b) for s, b in cases]

# %%
root = [s / np.sqrt(b) for s, b in cases]

# %%
claim(
    "The formula agrees with the Poisson distribution to 0.06 standard "
    "deviations, where s / √b is far off",
    max(abs(np.subtract(exact, formula))) < 0.06,
    evidence="three cases: exact {exact:.2f}; formula {formula:.2f}; "
    "s / √b {root:.2f}",
    fails_if="it were s over the root of b",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network, very good and not good enough
#
# Three convolutions, trained on balanced simulated pictures of the kind that the trigger writes.


# %% tags=["live:train the network"]
def tensors(images):
    return 5 * torch.from_numpy(np.sqrt(images))  # the root: faint cells count, too


def train(images, labels, **options):
    labels = torch.from_numpy(labels)
    return train_network(
        lambda: small_cnn(2), tensors(images), labels, max_epochs=6, learning_rate=8e-3, seed=seed, **options
    )


@torch.no_grad()
def scores(network, images):
    logits = network(tensors(images))
    return (logits[:, 1] - logits[:, 0]).numpy()


lesson = simulate_collisions(8000, min_pt=625, seed=10 * seed + 5)
network = train(lesson.images, lesson.labels, progress=progress("training"))

# %% tags=["live:cut on its score"]
score = {
    name: [scores(network, events.images[kept]) for events, kept in zip(pair, old[name])]
    for name, pair in samples.items()
}
auc = roc_auc_score(np.repeat([0, 1], [len(x) for x in score["judge"]]), np.concatenate(score["judge"]))


def above(name, cut):
    """Say which events are recorded and score above the cut."""
    passed = [kept.copy() for kept in old[name]]
    for p, x in zip(passed, score[name]):
        p[p] = x > cut
    return passed


cuts = [c for c in np.quantile(score["choose"][1], np.linspace(0.1, 0.9, 33)) if (score["choose"][0] > c).sum() >= 20]
by_network = judge(above("judge", max(cuts, key=lambda c: judge(above("choose", c))["Z"])))

# %%
fewest = min(len(x) for x in score["judge"])
auc_at_least = auc - z999 * np.sqrt(auc * (1 - auc) / fewest)
within_reach = recorded["efficiency_interval"][1]

# %%
say(
    "Of a recorded pair of signal and background the network ranks {auc:.0%} "
    'rightly. Cut at its best score, {by_network["s"]:.1f} signal events '
    'remain on {by_network["b"]:.1f} of background: {by_network["Z"]:.1f} '
    "standard deviations.",
    tolerance={
        "auc": 0.03,
        'by_network["s"]': 3.0,
        'by_network["b"]': 12.0,
        'by_network["Z"]': 0.6,
    },
)
claim(
    "The network is good at its task (AUC above 0.85) and still not enough: "
    "below three standard deviations, and no cut on recorded events can reach "
    "a fifth of the signal",
    auc_at_least > 0.85 and by_network["Z"] < 3 and within_reach < 0.2,
    evidence='AUC {auc:.2f}; {by_network["Z"]:.1f} standard deviations; '
    'recorded {recorded["efficiency"]:.1%} of the signal',
    tolerance={
        "auc": 0.03,
        'by_network["Z"]': 0.6,
        'recorded["efficiency"]': 0.001,
    },
    fails_if="the scores were shuffled",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What did it see?
#
# **Saliency** is the gradient of the logit *new particle* with respect to each cell. **Grad-CAM** weighs the maps of the last
# convolution by how much the logit depends on them. We ask for signal that the network recognises.

# %% tags=["live:draw the maps"]
found = np.flatnonzero(above("judge", 0.0)[1])[:300]
seen = samples["judge"][1]
x, masks = tensors(seen.images[found]), seen.truth.masks[found]
layer = network.maps
maps = {
    "saliency": saliency(network, x, target=1).abs()[:, 0].numpy(),
    "Grad-CAM": grad_cam(network, x, layer=layer, target=1).values.numpy(),
}
theirs = LayerGradCam(network, layer).attribute(x[:6].clone().requires_grad_(), target=1)[:, 0].detach()
off = float((grad_cam(network, x[:6], layer=layer, target=1).coarse - theirs).abs().max() / theirs.abs().max())

# %%
panels = {}
for i in range(4):
    panels[f"picture {i}"] = np.sqrt(seen.images[found[i], 0])
    panels |= {f"{name} {i}": m[i] for name, m in maps.items()}
    panels[f"truth {i}"] = masks[i]
four_events = pictures(
    panels,
    columns=8,
    titles=["picture", "saliency", "Grad-CAM", "true prongs"] * 2,
)

# %%
show(
    four_events,
    caption="Four recognised signal events, two maps of the logit of the new "
    "particle, and the true prongs.",
    alt="A grid of four events. Grad-CAM is bright near the two true prongs, "
    "saliency speckled around them. Grad-CAM agrees with Captum to {off:.0e} "
    "of its size.",
    tolerance=1e-4,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it point at the prongs?
#
# We grade the share of a map that lies on the true prongs. By chance it would be the area of the mask. A harder test turns the
# mask by a right angle: as far from the centre, but in the wrong direction. And a network whose weights are shuffled is the
# control that shows what the *picture* alone puts there.

# %% tags=["live:grade the maps"]
spoilt = []
for i in range(4):
    other, generator = copy.deepcopy(network), torch.Generator().manual_seed(i)
    for w in other.parameters():
        w.copy_(w.flatten()[torch.randperm(w.numel(), generator=generator)].view_as(w))
    spoilt.append(grad_cam(other, x, layer=other.maps, target=1).values.numpy())


def on(m, masks):
    """Return the share of each map that lies in the mask; 0 for an empty map."""
    return (m * masks).sum((1, 2)) / np.maximum(m.sum((1, 2)), 1e-12)


turned = np.rot90(masks, axes=(1, 2))
graded = {name: (on(m, masks), on(m, turned)) for name, m in maps.items()}
shuffled = np.mean([on(m, masks) for m in spoilt], 0)

# %%
shuffled_turned = np.mean([on(m, turned) for m in spoilt], 0)
rows = {
    **graded,
    "Grad-CAM, weights shuffled": (shuffled, shuffled_turned),
}
on_prongs, on_turned = (
    {name: shares[i].mean() for name, shares in rows.items()} for i in (0, 1)
)
area = masks.mean()
shares_of_maps = bars(
    {
        "on the true prongs": list(on_prongs.values()),
        "on the mask turned by 90°": list(on_turned.values()),
    },
    list(rows),
    value_label="share of the map",
    reference=(float(area), "area of the mask"),
)

# %%
cam, cam_turned = graded["Grad-CAM"]
controls = (cam_turned, shuffled, 2 * masks.mean((1, 2)))
better = [cam - control for control in controls]
beyond_chance = all(
    d.mean() > z999 * d.std(ddof=1) / np.sqrt(len(d)) for d in better
)

# %%
show(
    shares_of_maps,
    caption="How much of each map lies on the true prongs, and on the same "
    "mask turned by a right angle.",
    alt='Bars. Grad-CAM puts {on_prongs["Grad-CAM"]:.2f} on the true prongs '
    'and {on_turned["Grad-CAM"]:.2f} on the turned mask, saliency '
    '{on_prongs["saliency"]:.2f} and {on_turned["saliency"]:.2f}; with '
    "shuffled weights Grad-CAM puts "
    '{on_prongs["Grad-CAM, weights shuffled"]:.2f} there. The mask covers '
    "{area:.3f}.",
    tolerance={
        'on_prongs["Grad-CAM"]': 0.15,
        'on_turned["Grad-CAM"]': 0.15,
        'on_prongs["saliency"]': 0.15,
        'on_turned["saliency"]': 0.15,
        'on_prongs["Grad-CAM, weights shuffled"]': 0.15,
        "area": 0.005,
    },
)
claim(
    "Grad-CAM lies on the true prongs: more than twice the area's share, more "
    "than on the turned mask, and more than with shuffled weights",
    beyond_chance,
    evidence='on the prongs {on_prongs["Grad-CAM"]:.2f}; area {area:.3f}; on '
    'the turned mask {on_turned["Grad-CAM"]:.2f}; weights shuffled '
    '{on_prongs["Grad-CAM, weights shuffled"]:.2f}',
    control="the mask turned by a right angle, and a network whose weights "
    "are shuffled",
    tolerance={
        'on_prongs["Grad-CAM"]': 0.15,
        "area": 0.005,
        'on_turned["Grad-CAM"]': 0.15,
        'on_prongs["Grad-CAM, weights shuffled"]': 0.15,
    },
    fails_if="the maps were noise",
)

# %% [markdown]
# A map raises a suspicion: *the second prong*. The proof is an experiment. We wipe out the cells of the weaker prong, and as a control
# as many cells at the same distance from the centre, to the side.

# %% tags=["live:wipe out the weaker prong"]
weaker = seen.truth.prongs[found, 1]
side = weaker[:, ::-1] * [1, -1]  # turned by a right angle
grid = (np.arange(32) + 0.5) / 32 * 2.4 - 1.2


def wiped(at):
    near = np.hypot(grid[None, None, :] - at[:, 0, None, None], grid[None, :, None] - at[:, 1, None, None]) < 0.3
    left = np.where(near, 0, seen.images[found, 0])
    return (left / left.sum((1, 2), keepdims=True))[:, None].astype(np.float32)


still = {name: scores(network, wiped(at)) > 0 for name, at in {"weaker prong": weaker, "beside it": side}.items()}

# %%
lost = still["beside it"].astype(float) - still["weaker prong"]
lost_at_least = lost.mean() - z999 * lost.std(ddof=1) / np.sqrt(len(lost))
recognised = {name: yes.mean() for name, yes in still.items()}

# %%
claim(
    "Without its weaker prong a new particle is no longer recognised; a hole "
    "beside it does little",
    lost_at_least > 0.25,
    evidence='recognised without it {recognised["weaker prong"]:.0%}, with a '
    'hole beside it {recognised["beside it"]:.0%}',
    control="a hole of the same size beside the prong",
    tolerance=0.2,
    fails_if="the hole were beside the prong both times",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a map to observables
#
# Two prongs: that is something one can measure. Find the two brightest places; then there are a **share** of the weaker, a **distance**,
# and what is **left over**. And two momenta at a distance have a **mass**,
# $m = p_T \sqrt{z_1 z_2}\, R$, if we put back the intensity that the network was not shown.

# %%
show_source(two_prongs)


# %% tags=["live:build observables"]
def observables(events, kept):
    prongs = two_prongs(events.images[kept])
    return {
        "mass": events.intensity[kept] * np.sqrt(prongs.shares.prod(1)) * prongs.distance,
        "share": prongs.shares[:, 1] / prongs.shares.sum(1),
        "rest": 1 - prongs.shares.sum(1),
    }


measured = {name: [observables(e, kept) for e, kept in zip(pair, old[name])] for name, pair in samples.items()}
truth = seen.truth
by_formula = truth.pt * np.sqrt(truth.shares.prod(1)) * np.hypot(*(truth.prongs[:, 0] - truth.prongs[:, 1]).T)

# %%
edges = np.linspace(0, 300, 31)
curves, near = {}, {}
for name, values in zip(names, measured["choose"]):
    mass = values["mass"]
    curves[name] = np.histogram(mass, edges)[0] / len(mass)
    near[name] = np.mean(abs(mass - MASS) < 0.1 * MASS)
spectra = lines(
    (edges[:-1] + edges[1:]) / 2,
    {"": curves},
    x_label="mass of the two brightest places, GeV",
    y_labels="share of recorded events in 10 GeV",
    markers=False,
)
formula_off = abs(by_formula / MASS - 1).max()
is_a_peak = near["signal"] > 0.5 and near["background"] < 0.1

# %%
show(
    spectra,
    caption="The mass of the two prongs. The signal is a peak, whatever its "
    "momentum and its angle.",
    alt="Two curves over the mass. Background falls from zero; signal is a "
    "narrow peak at 180 GeV. Within a tenth of that mass lie "
    '{near["signal"]:.2f} of the signal and {near["background"]:.2f} of the '
    "background.",
    tolerance=0.003,
)
claim(
    "The formula gives the true mass from the true prongs, and the measured "
    "prongs put most signal within a tenth of it",
    formula_off < 1e-3 and is_a_peak,
    evidence="largest error of the formula {formula_off:.0e}; within a tenth: "
    '{near["signal"]:.0%} of signal, {near["background"]:.0%} of background',
    tolerance={
        "formula_off": 1e-4,
        'near["signal"]': 0.003,
        'near["background"]': 0.003,
    },
    fails_if="the intensity were not put back",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First, in the analysis
#
# A window in the mass, a least share, a largest rest. The cuts are chosen for the largest significance on the sample *choose*
# and judged on the sample *judge*, which nothing was chosen on.


# %% tags=["live:choose a selection"]
def select(name, kept, measured, cut):
    """Say which recorded events pass (half-width of the window, least share, largest rest)."""
    width, share, rest = cut
    passed = [p.copy() for p in kept[name]]
    for p, o in zip(passed, measured[name]):
        p[p] = (abs(o["mass"] - MASS) < width) & (o["share"] > share) & (o["rest"] < rest)
    return passed


def best_selection(kept, measured):
    options = itertools.product((12, 16, 20, 26), (0.1, 0.15, 0.2, 0.25), (0.06, 0.08, 0.1, 0.2))
    chosen = {cut: select("choose", kept, measured, cut) for cut in options}
    return max((c for c in chosen if chosen[c][0].sum() >= 20), key=lambda c: judge(chosen[c])["Z"])


cut = best_selection(old, measured)
by_analysis = judge(select("judge", old, measured, cut))

# %%
worth_more = by_network["Z"] < by_analysis["Z"]
kept_at_most = by_analysis["efficiency_interval"][1]

# %%
claim(
    "Three cuts on what the network showed are worth more than its score, but "
    "keep less of the signal than the trigger wrote",
    worth_more and kept_at_most < recorded["efficiency"],
    evidence='network {by_network["Z"]:.1f}, cuts {by_analysis["Z"]:.1f} '
    'standard deviations; kept {by_analysis["efficiency"]:.1%}, recorded '
    '{recorded["efficiency"]:.1%}',
    tolerance={
        'by_network["Z"]': 0.6,
        'by_analysis["Z"]': 0.1,
        'by_analysis["efficiency"]': 0.002,
        'recorded["efficiency"]': 0.001,
    },
    fails_if="the mass were left out of the selection",
)

# %% [markdown]
# Why can three cuts beat a network? Not by magic: they use the momentum, which it was not shown, and with it the mass. What no analysis
# can do is bring back a collision that was never written. That is for the board.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Then, in the trigger menu
#
# The electronics have microseconds, and towers four cells wide. The sum of $f_i r_i^2$ over the towers is all they need for a rough
# mass. Tape is limited: the new menu may write no more background than the old one. So we raise the old line to 800 GeV, and
# open a second one, for any momentum, with a rough mass between a lower edge and 240 GeV.

# %%
show_source(coarse_mass)

# %% tags=["live:a line in the menu"]
rough = {name: [coarse_mass(e.images, e.intensity) for e in pair] for name, pair in samples.items()}


def menu(name, edge):
    return [(e.intensity > 800) | ((edge < m) & (m < 240)) for e, m in zip(samples[name], rough[name])]


budget = 0.8 * old["choose"][0].mean()  # a fifth stays in reserve
edge = next(e for e in range(120, 240, 2) if menu("choose", e)[0].mean() <= budget)
new = {name: menu(name, edge) for name in samples}

# %% tags=["live:run it again"]
again = {name: [observables(e, kept) for e, kept in zip(pair, new[name])] for name, pair in samples.items()}
by_trigger = judge(select("judge", new, again, best_selection(new, again)))
cost = new["judge"][0].astype(float) - old["judge"][0]
stages = {"trigger only": recorded, "network": by_network, "selection": by_analysis, "new menu + selection": by_trigger}

# %%
titles = {
    "s": "signal",
    "b": "background",
    "ratio": "S/B",
    "efficiency": "share of signal",
    "Z": "Z",
}
of_stages = pd.DataFrame(stages).T[list(titles)].astype(float)
of_stages.columns = list(titles.values())
written = ("{:.1f}", "{:.1f}", "{:.2f}", "{:.2f}", "{:.1f}")

# %%
table(
    of_stages,
    caption="Expected events in 10/ab, and their significance in standard "
    "deviations with a background known to 10 %.",
    formats=dict(zip(of_stages, written)),
    tolerance=dict(zip(stages, (0.3, 12.0, 0.3, 0.3))),
)

# %%
worth = {name: stage["Z"] for name, stage in stages.items()}
steps = bars(
    {"": list(worth.values())},
    list(stages),
    value_label="expected significance, standard deviations",
    reference=(5, "discovery"),
    horizontal=True,
)
written_share = {
    which: kept["judge"][0].mean()
    for which, kept in {"old": old, "new": new}.items()
}
cost_at_most = cost.mean() + z999 * cost.std(ddof=1) / np.sqrt(len(cost))
pure = by_trigger["ratio_interval"][0] >= 1
efficient = by_trigger["efficiency_interval"][0] >= 0.2

# %%
show(
    steps,
    caption="What each step is worth. The last one needs a trigger that looks "
    "at two prongs.",
    alt='Four bars: {worth["trigger only"]:.1f} with the trigger alone, '
    '{worth["network"]:.1f} with the network, {worth["selection"]:.1f} with '
    'the selection, {worth["new menu + selection"]:.1f} with the new menu; a '
    "line marks five.",
    tolerance={
        'worth["trigger only"]': 0.01,
        'worth["network"]': 0.6,
        'worth["selection"]': 0.1,
        'worth["new menu + selection"]': 0.1,
    },
)
claim(
    "The new menu writes less background than the old one, within a 99.9 % "
    "interval",
    cost_at_most < 0,
    evidence="shares of the background written: {written_share:.2%}",
    tolerance=0.001,
    fails_if="the old line had stayed as well",
)
claim(
    "With it S/B is at least 1 at a signal efficiency of at least 20 %, both "
    "beyond 99.9 % intervals, and a discovery is expected",
    pure and efficient and by_trigger["Z"] > 5,
    evidence='S/B {by_trigger["ratio"]:.2f} '
    '(interval {by_trigger["ratio_interval"]:.2f}); efficiency '
    '{by_trigger["efficiency"]:.1%} '
    '(interval {by_trigger["efficiency_interval"]:.1%}); '
    '{by_trigger["Z"]:.1f} standard deviations',
    tolerance={
        'by_trigger["ratio"]': 0.1,
        'by_trigger["ratio_interval"]': 0.1,
        'by_trigger["efficiency"]': 0.01,
        'by_trigger["efficiency_interval"]': 0.01,
        'by_trigger["Z"]': 0.2,
    },
    fails_if="the trigger had stayed as it was",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And if the intensity had stayed in?
#
# The total intensity is the momentum, and our simulated signal has harder momenta than background: only because somebody chose
# one model of how it is produced. A network that is shown the raw pictures can use that. We train one, and meet another
# model of production, in which signal is softer and background harder. Nothing else about the particle has changed.


# %% tags=["live:the shortcut"]
def raw(events, scale=1.0):
    return events.images * (scale * events.intensity / 1000)[:, None, None, None].astype(np.float32)


shortcut = train(raw(lesson), lesson.labels, progress=progress("training on raw pictures"))
worlds = {
    "as simulated": simulate_collisions(4000, min_pt=625, seed=10 * seed + 6),
    "another production": simulate_collisions(4000, min_pt=625, powers=(5, 12), seed=10 * seed + 6),
}
answers = {
    name: (e.labels, scores(network, e.images), scores(shortcut, raw(e)), scores(shortcut, raw(e, 1.2)))
    for name, e in worlds.items()
}


def gain(labels, normalised, with_intensity, _):
    return roc_auc_score(labels, with_intensity) - roc_auc_score(labels, normalised)


# %% tags=["live:resample"]
rng = np.random.default_rng(seed)
draws = np.array(
    [[gain(*(a[rows] for a in answer)) for answer in answers.values()] for rows in rng.integers(0, 4000, (100, 4000))]
)
change = draws[:, 0] - draws[:, 1]
home, away = [gain(*answer) for answer in answers.values()]
labels, normalised, plain, scaled = answers["as simulated"]
alarms = [np.mean(s[labels == 0] > 0) for s in (plain, scaled)]

# %%
two_worlds = bars(
    {
        "pictures of sum 1": [
            roc_auc_score(a[0], a[1]) for a in answers.values()
        ],
        "raw pictures": [roc_auc_score(a[0], a[2]) for a in answers.values()],
    },
    list(worlds),
    value_label="area under the ROC curve",
    limits=(0.8, 1.0),
)
loss_away = -away
gain_at_least = change.mean() - z999 * change.std(ddof=1)

# %%
show(
    two_worlds,
    caption="Two networks in two worlds that differ in the momenta only.",
    alt="Two pairs of bars. As simulated, the network with raw pictures is "
    "better by {home:.3f}; with another production it is worse by "
    "{loss_away:.3f}.",
    tolerance=0.03,
)
say(
    "If the energies of the same events come out a fifth too high, the "
    "network with raw pictures raises {alarms[0]:.1%} false alarms before and "
    "{alarms[1]:.1%} after; the other one sees no difference at all, as its "
    "pictures are the same.",
    tolerance=0.08,
)
claim(
    "The intensity is a shortcut: what it gains where the momenta are as in "
    "training, it loses where they are not",
    gain_at_least > 0 and home > away,
    evidence="gain as simulated {home:.3f}, with another production "
    "{away:.3f}",
    control="the network whose pictures sum to one",
    tolerance=0.03,
    fails_if="the pictures had been normalised after all",
)

# %% [markdown]
# The intensity is not useless: in the mass it earned most of what we gained. The difference is that we know what it does there, can
# calibrate it on known particles, and can say how the result depends on it.
#
# Would more simulation make the network as good as the selection? The next cell trains on the events of the new menu, many more
# of them, on a GPU.


# %% tags=["gpu"]
def network_on_the_new_menu(n, device):
    events = simulate_collisions(n, seed=10 * seed + 7)
    keep = (edge < (rough_mass := coarse_mass(events.images, events.intensity))) & (rough_mass < 240)
    own = train(events.images[keep], events.labels[keep], device=device)
    kept = [scores(own, e.images[k]) for e, k in zip(samples["judge"], new["judge"])]
    cut = np.quantile(kept[1], 0.5)
    passed = [k.copy() for k in new["judge"]]
    for p, s in zip(passed, kept):
        p[p] = s > cut
    return judge(passed)


larger = run_on_gpu(
    network_on_the_new_menu,
    shows="S/B and significance of a network trained on 400,000 collisions of the new menu, at half of the recorded signal",
    full={"n": 400_000},
    tiny={"n": 400},
)
if larger:
    print({name: round(float(larger[name]), 2) for name in ("s", "b", "ratio", "Z")})

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Two prongs have a mass (difficulty 1, 8 minutes)
# Given the total `intensity` (n,) in GeV, the `shares` (n, 2) of two prongs and their `positions` (n, 2, 2) in rad, return the mass
# $m = p_T \sqrt{z_1 z_2}\, R$ of each event: n numbers in GeV.


# %% tags=["exercise"]
def mass_of(intensity, shares, positions):
    ### BEGIN SOLUTION
    distance = np.linalg.norm(positions[:, 0] - positions[:, 1], axis=1)
    return intensity * np.sqrt(shares[:, 0] * shares[:, 1]) * distance
    ### END SOLUTION


check(exercises.mass_of, mass_of)  # hint(exercises.mass_of) helps, in layers

# %% [markdown]
# ## Exercise 2 — How sure is an efficiency? (difficulty 2, 10 minutes)
# Of `n` simulated events `k` pass. Return the exact (Clopper–Pearson) interval of the efficiency at the given level, as a pair
# (low, high). It must also work when none or all of them pass. `scipy.stats.beta.ppf` is what you need.


# %% tags=["exercise"]
def efficiency_interval(k, n, level=0.95):
    ### BEGIN SOLUTION
    tail = (1 - level) / 2
    low = beta.ppf(tail, k, n - k + 1) if k > 0 else 0.0
    high = beta.ppf(1 - tail, k + 1, n - k) if k < n else 1.0
    return low, high
    ### END SOLUTION


check(exercises.efficiency_interval, efficiency_interval)

# %% [markdown]
# ## Exercise 3 — A line within its budget (difficulty 2, 10 minutes)
# A trigger line keeps an event if its rough mass lies between a lower edge and `upper`. Given the masses of background events and a
# `budget`, the largest share of them that may be kept, return the lowest of the `edges` that fits. The lower the edge, the more signal.


# %% tags=["exercise"]
def lowest_edge(masses, edges, upper, budget):
    ### BEGIN SOLUTION
    fits = [edge for edge in edges if np.mean((edge < masses) & (masses < upper)) <= budget]
    return min(fits)
    ### END SOLUTION


check(exercises.lowest_edge, lowest_edge)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A search is judged by events: how many are produced, written, and left on how much background. A good network cannot bring back
#   what was never written.
# - Saliency and Grad-CAM raise a suspicion. Here it could be graded against the true prongs, and an experiment confirmed it.
# - An explanation is worth most when it becomes a quantity: one that can be measured, calibrated, and computed in a trigger.
# - What is easy for a network may be an accident of the simulation. Take shortcuts away, and use the same information openly where
#   you can control it.

# %% [markdown]
# ## Where it breaks
#
# - Our background is small enough to be simulated. A real one is many orders of magnitude larger, and is estimated from data beside the
#   mass window.
# - We knew the mass that we were looking for. A real search tries many, and pays for it: by chance some window has an excess.
# - The map was graded on events that the network recognises. What it overlooks has no map.
# - A new line in the menu helps from the day it is switched on. The collisions of the past are gone.

# %% [markdown]
# ## Further reading
#
# - [de Oliveira et al. (2016)](https://arxiv.org/abs/1511.05190), *Jet-images – deep learning edition*: convolutional networks on
#   pictures of jets, and what they learn beyond mass and distance.
# - [Butterworth et al. (2008)](https://arxiv.org/abs/0802.2470), *Jet substructure as a new Higgs search channel at the LHC*: the
#   mass of two prongs in one wide jet, the idea that opened this field.
# - [Cowan et al. (2011)](https://arxiv.org/abs/1007.1727), *Asymptotic formulae for likelihood-based tests of new physics*: the
#   significance that we used, and where it holds.
# - [Selvaraju et al. (2017)](https://arxiv.org/abs/1610.02391), *Grad-CAM: visual explanations from deep networks via
#   gradient-based localization*: with tests on people.
