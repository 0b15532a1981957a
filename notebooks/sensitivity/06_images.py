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
# # Where does the network look?
#
# Saliency maps, and how to find out whether they are right
#
# > **After this notebook you can**
# >
# > - draw four kinds of maps of what a network for pictures goes by
# > - grade a map against pixels that are known to decide, and against chance
# > - test whether a map depends on the network at all
# > - find a shortcut with a map, and prove it with an experiment
#
# **20 minutes**, and 30 for the exercises · builds on *Neural networks* · data: scenes drawn here over the two photographs of scikit-learn

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The question
#
# A harbour sorts pictures of buoys by their pattern: striped, chequered, dotted. A network was trained on its archive, and on
# held-out pictures of that archive it is nearly always right. Before it goes on a boat, somebody asks: does it look at the buoy?
#
# A sensitivity map seems to answer this: how much does the score change with each pixel? It is quickly drawn. But a map
# can mislead as well as a model can. So we use scenes in which we *know* which pixels decide.

# %% tags=["setup"]
import xaicourse  # first: torchvision needs its help beside a CPU build of torch

# isort: split
import copy
from pathlib import Path

import numpy as np
import torch
from captum.attr import (
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Saliency,
)
from scipy.stats import binom, norm, spearmanr
from sklearn.datasets import load_sample_image
from torch.nn.functional import avg_pool2d
from torchvision.models import ResNet18_Weights, resnet18

from xaicourse.attribution import (
    grad_cam,
    integrated_gradients,
    saliency,
    smooth_grad,
)
from xaicourse.datasets import simulate_scenes
from xaicourse.datasets.scenes import PATTERNS
from xaicourse.exercises import images as exercises
from xaicourse.networks import small_resnet, train_network
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
)

seed = 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A map is quickly drawn
#
# The source deck takes torchvision's ResNet-18, a photograph, and the gradient of the largest output with respect to the
# pixels; the largest of the three colours counts. Its file does not exist, and `pretrained=True` is gone from torchvision. It
# also forgets to normalise the colours as the network was trained, and it squashes the photograph to a square.
#
# Mended, it is a few lines. The ImageNet weights are used if they are in the local cache; otherwise the network keeps the random
# weights that it starts with.

# %% slideshow={"slide_type": "fragment"} tags=["live:the gradient of a photograph"]
weights = ResNet18_Weights.DEFAULT
cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
with torch.random.fork_rng():
    torch.manual_seed(seed)
    big = resnet18(weights=None).eval()
if cached.exists():
    big.load_state_dict(torch.load(cached, weights_only=True))

flower = torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(
    2, 0, 1
)
photograph = weights.transforms()(flower)[None].requires_grad_()
logits = big(photograph)
logits[0, logits.argmax()].backward()
slide_map = photograph.grad[0].abs().amax(0)

# %%
used = "random weights, as no others are in the cache"
if cached.exists():
    used = "ImageNet weights from the local cache"
shown = photograph.detach()[0].permute(1, 2, 0)
brightness = (shown - shown.min()) / (shown.max() - shown.min())
mended = pictures(
    {"photograph": brightness, "gradient of the top logit": slide_map}
)

# %%
show(
    mended,
    caption="The deck's example, mended: a photograph and its saliency map, "
    "from a ResNet-18 with {used}.",
    alt="Left a photograph of a flower. Right a speckled map of gradients, "
    "from a ResNet-18 with {used}.",
)

# %% [markdown]
# Is that map right? Nothing in it says so: any network, even an untrained one, has gradients, and our eyes find shapes in
# speckles. We need pictures whose truth is known.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Scenes with a truth
#
# Each scene has a real photograph behind, one patterned object, and one plain object on the opposite side. The pattern
# is the class. Shapes, places and colours are drawn by lot, and the same way for both objects.
#
# The archive has a flaw, as archives do: nearly all dotted buoys were photographed by one man, who puts a stamp in
# the corner of his pictures.

# %% slideshow={"slide_type": "fragment"} tags=["live:draw the scenes"]
archive = simulate_scenes(1500, stamp_rates=(0, 0, 0.95), seed=seed)
held_out = simulate_scenes(150, stamp_rates=(0, 0, 0.95), seed=seed + 1)
plain = simulate_scenes(
    150, stamp_rates=0, seed=seed + 1
)  # the same scenes, nowhere a stamp
stamped = simulate_scenes(
    150, stamp_rates=1, seed=seed + 1
)  # the same scenes, everywhere a stamp
archive

# %%
first = held_out.images[:6].transpose(0, 2, 3, 1)
six_scenes = pictures(
    {str(i): image for i, image in enumerate(first)},
    titles=[PATTERNS[c] for c in held_out.labels[:6]],
)
n_stamped = held_out.truth.stamped[:6].sum()

# %%
show(
    six_scenes,
    caption="Six scenes of the archive. The dotted ones carry a stamp.",
    alt="Six small scenes over pieces of photographs, each with a patterned "
    "and a plain object; {n_stamped} of the six have a white stamp with a "
    "blue cross in the lower left corner.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A small network
#
# A residual network of four blocks. It ends in maps of 8 by 8 places, which are averaged and weighed.


# %% tags=["live:train the network"]
def tensors(scenes):
    return torch.from_numpy(scenes.images) - 0.5


network = train_network(
    lambda: small_resnet(len(PATTERNS)),
    tensors(archive),
    torch.from_numpy(archive.labels),
    max_epochs=5,
    batch_size=32,
    learning_rate=4e-3,
    seed=seed,
    progress=progress("training"),
)

# %% tags=["live:score it"]
with torch.no_grad():
    answers = {
        name: network(tensors(scenes)).argmax(1).numpy()
        for name, scenes in {"archive": held_out, "no stamps": plain, "stamps everywhere": stamped}.items()
    }
right = {name: [np.mean(a[plain.labels == c] == c) for c in range(3)] for name, a in answers.items()}

# %%
archive_score = np.mean(answers["archive"] == held_out.labels)

# %%
say(
    "On held-out scenes of the archive it is right for {archive_score:.0%}. "
    "In the harbour, would anybody ask further?",
    tolerance=0.05,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four maps
#
# **Saliency** is the gradient itself. **SmoothGrad** averages it over noisy copies of the picture. **Integrated Gradients** adds up
# the gradients on the way from a grey picture, times the way. **Grad-CAM** looks inside: it weighs the maps of the last
# convolutional layer by how much the score depends on each.
#
# The first is one line of PyTorch, as on the slide. We explain the logit of the true class, for scenes without any stamp.

# %% tags=["live:saliency by hand"]
x, target = tensors(plain), torch.from_numpy(plain.labels)
leaf = x.clone().requires_grad_()
[by_hand] = torch.autograd.grad(
    network(leaf).gather(1, target[:, None]).sum(), leaf
)

# %%
show_source(grad_cam)

# %% tags=["live:four maps"]
layer = network.blocks
ig = integrated_gradients(network, x, target=target, n_steps=8)
signed = {
    "saliency": saliency(network, x, target=target),
    "SmoothGrad": smooth_grad(
        network, x, target=target, n_samples=8, stdevs=0.1, seed=seed
    ),
    "Integrated Gradients": ig.values,
}
maps = {name: values.abs().amax(1).numpy() for name, values in signed.items()}
cam = grad_cam(network, x, layer=layer, target=target)
maps["Grad-CAM"] = cam.values.numpy()

# %%
panels = {}
for i in [0, 1, 3]:
    panels[f"{PATTERNS[plain.labels[i]]} {i}"] = plain.images[i].transpose(
        1, 2, 0
    )
    panels |= {f"{name} {i}": m[i] for name, m in maps.items()}
four_maps = pictures(panels, columns=5, titles=["scene", *maps])

# %%
show(
    four_maps,
    caption="Three scenes without stamps, and four maps of the logit of their "
    "class. Bright is important.",
    alt="A grid of three scenes and their four maps. Saliency and SmoothGrad "
    "are speckled, with more speckles on the patterned object; Integrated "
    "Gradients too; Grad-CAM shows a smooth blob.",
)

# %% [markdown]
# Read them by columns. The first three live on pixels and are speckled; Grad-CAM lives on 8 by 8 places, so its blob is larger
# than any object.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it computed right?
#
# First, the code: the same numbers must come out of the field's library, and Integrated Gradients must add up to the
# change of the logit.

# %% tags=["live:compare with Captum"]
few, few_targets = x[:6].clone().requires_grad_(), target[:6]
theirs = {
    "saliency": Saliency(network).attribute(few, target=few_targets, abs=False),
    "Integrated Gradients": IntegratedGradients(network).attribute(few, target=few_targets, n_steps=8),
    "Grad-CAM": LayerGradCam(network, layer).attribute(few, target=few_targets)[:, 0],
}
ours = signed | {"Grad-CAM": grad_cam(network, x[:6], layer=layer, target=few_targets).coarse}
off = {name: float((ours[name][:6] - t).detach().abs().max() / t.detach().abs().max()) for name, t in theirs.items()}
with torch.random.fork_rng():
    torch.manual_seed(seed)
    tunnel = NoiseTunnel(Saliency(network)).attribute(
        few, target=few_targets, nt_samples=64, nt_samples_batch_size=16, stdevs=0.1, abs=False
    )
many = smooth_grad(network, x[:6], target=few_targets, n_samples=64, stdevs=0.1, seed=seed)
one = smooth_grad(network, x[:6], target=few_targets, n_samples=1, stdevs=0.1, seed=seed + 1)
ratio = float((many - tunnel.detach()).norm() / (one - tunnel.detach()).norm())

# %%
same_by_hand = torch.allclose(
    by_hand, signed["saliency"], rtol=1e-3, atol=1e-4
)
expected_ratio = np.sqrt(2 / 65)
gained = (ig.values.flatten(1).sum(1) - ig.delta).abs().mean().item()
residual = ig.delta.abs().mean().item()

# %%
claim(
    "Saliency, Integrated Gradients and Grad-CAM agree with Captum to "
    "rounding, and saliency with the line by hand",
    max(off.values()) < 1e-3 and same_by_hand,
    evidence="largest relative differences: {off:.0e}",
    tolerance=1e-3,
    fails_if="the gradients were taken of the next class",
)
claim(
    "SmoothGrad agrees with Captum's within its noise: 64 samples lie at most "
    "a third as far from it as a single one",
    ratio < 1 / 3,
    evidence="ratio of the distances: {ratio:.2f}; expected "
    "{expected_ratio:.2f}",
    tolerance=0.1,
    fails_if="SmoothGrad averaged one sample",
)
claim(
    "The contributions of Integrated Gradients add up to the change of the "
    "logit, within a fifth on average",
    residual < 0.2 * gained,
    evidence="mean residual {residual:.2f}, mean change {gained:.2f}",
    tolerance=1.0,
    fails_if="Integrated Gradients used a single step",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it show what decides?
#
# Now the map. Two questions with a known answer of chance:
#
# 1. **Which of the two objects gets more?** Patterned and plain object are placed and shaped by the same lot. A map that knows
#    nothing prefers the patterned one in half of the scenes.
# 2. **Where is the brightest spot** (blurred over 5 by 5 pixels)? It lies in the mask of *another* scene as often as chance has it.
#
# We grade striped and chequered scenes that the network classifies rightly.

# %% tags=["live:grade the maps"]
good = (answers["no stamps"] == plain.labels) & (plain.labels < 2)
masks, decoys = plain.truth.object[good], plain.truth.decoy[good]
graded = {name: m[good] for name, m in maps.items()}


def inside(m, masks):
    """Return the mean of each map within its mask."""
    return (m * masks).sum((1, 2)) / masks.sum((1, 2))


def brightest_in(m, masks):
    """Say for each map whether its brightest spot, after a blur, lies in the mask."""
    blurred = avg_pool2d(torch.from_numpy(m)[:, None], 5, 1, 2).flatten(1)
    return masks.reshape(len(masks), -1)[np.arange(len(masks)), blurred.argmax(1).numpy()]


prefers = {name: np.mean(inside(m, masks) > inside(m, decoys)) for name, m in graded.items()}
hits = {name: brightest_in(m, masks) for name, m in graded.items()}
elsewhere = {name: brightest_in(m, np.roll(masks, 1, axis=0)) for name, m in graded.items()}

# %%
n, z = len(masks), norm.ppf(0.9995)
hit_share = {name: h.mean() for name, h in hits.items()}
elsewhere_share = {name: e.mean() for name, e in elsewhere.items()}
least_hit, most_hit = min(hit_share.values()), max(hit_share.values())
half = [1.96 * np.sqrt(p * (1 - p) / n) for p in prefers.values()]
grades = bars(
    {
        "more on the patterned object": list(prefers.values()),
        "brightest spot within it": list(hit_share.values()),
    },
    list(maps),
    intervals={"more on the patterned object": half},
    value_label="share of scenes",
    reference=(0.5, "chance of the first"),
    limits=(0, 1.05),
)

# %% [markdown]
# Two tests go with the figure. A coin would hardly ever show more heads than `coin`. And a spot in its own mask minus a spot in another's is
# one, zero or minus one a scene; the mean of these has a standard error.

# %%
coin = binom.ppf(0.9995, n, 0.5)
lead = {m: hits[m].astype(float) - elsewhere[m] for m in maps}
error = {m: d.std(ddof=1) / np.sqrt(n) for m, d in lead.items()}
beyond_chance = [d.mean() > z * error[m] for m, d in lead.items()]

# %%
show(
    grades,
    caption="Four maps graded against the truth, with 95 % intervals.",
    alt="Bars for four maps. The patterned object gets more than the plain "
    "one in these shares of the scenes: {prefers:.2f}, against 0.5 by chance; "
    "the brightest spot lies within it in {least_hit:.2f} to {most_hit:.2f}.",
    tolerance=0.1,
)
claim(
    "All four maps prefer the object that decides: in more scenes than a coin "
    "would, beyond a 99.9 % interval",
    all(p * n > coin for p in prefers.values()),
    evidence="share of scenes: {prefers:.0%}; {n} scenes",
    control="the plain object, shaped and placed by the same lot",
    tolerance={"prefers": 0.1, "n": 30},
    fails_if="the maps were noise",
)
claim(
    "The brightest spot lies in the scene's own mask more often than in "
    "another scene's, for each map",
    all(beyond_chance),
    evidence="in its own mask: {hit_share:.0%}; in another's: "
    "{elsewhere_share:.0%}",
    control="the mask of another scene",
    tolerance=0.1,
    fails_if="the maps were noise",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it depend on the network?
#
# A map that shows the edges of the picture would please the eye and say nothing of the network.
# [Adebayo et al. (2018)](https://arxiv.org/abs/1810.03292)
# propose to spoil the network: replace its weights by random ones, layer after layer from the output on, and look whether
# the map changes.

# %% tags=["live:spoil the weights"]
spoilt = copy.deepcopy(network)
stages = {"none": [], "head": [spoilt.head], "+ block 4": [spoilt.blocks[3]], "+ block 3": [spoilt.blocks[2]]}
stages |= {"+ blocks 2, 1": [spoilt.blocks[1], spoilt.blocks[0]], "+ stem": [spoilt.stem]}
some_x, some_t = x[good][:24], target[good][:24]
similar = {"saliency": [], "Integrated Gradients": [], "Grad-CAM": []}
generator = torch.Generator().manual_seed(seed)
for modules in stages.values():
    for weight in [p for module in modules for p in module.parameters()]:
        weight.copy_(weight.flatten()[torch.randperm(weight.numel(), generator=generator)].view_as(weight))
    now = {
        "saliency": saliency(spoilt, some_x, target=some_t).abs().amax(1),
        "Integrated Gradients": integrated_gradients(spoilt, some_x, target=some_t, n_steps=8).values.abs().amax(1),
        "Grad-CAM": grad_cam(spoilt, some_x, layer=spoilt.blocks, target=some_t).coarse,
    }
    before = graded | {"Grad-CAM": grad_cam(network, some_x, layer=layer, target=some_t).coarse.numpy()}
    for name, m in now.items():
        rank = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(before[name][:24], m.numpy())]
        similar[name].append(np.array(rank))

# %%
how_similar = lines(
    range(len(stages)),
    {"": {name: np.mean(ranks, axis=1) for name, ranks in similar.items()}},
    x_label="how many of: head, block 4, block 3, blocks 2 and 1, stem are "
    "shuffled",
    y_labels="rank correlation",
    limits=(-0.3, 1.05),
)
at_the_end = {name: ranks[-1].mean() for name, ranks in similar.items()}
upper = {
    name: at_the_end[name] + z * ranks[-1].std(ddof=1) / np.sqrt(24)
    for name, ranks in similar.items()
}
at_first = min(ranks[0].mean() for ranks in similar.values())

# %%
show(
    how_similar,
    caption="How similar the maps stay as more and more of the network is "
    "shuffled, from the output on.",
    alt="Three curves that begin at 1. With everything shuffled they end at: "
    "{at_the_end:.2f}.",
    tolerance=0.3,
)
claim(
    "The maps change when the weights are shuffled: with all of them "
    "shuffled, every rank correlation is below 0.6",
    at_first > 0.99 and max(upper.values()) < 0.6,
    evidence="rank correlation with everything shuffled: {at_the_end:.2f}",
    tolerance=0.3,
    fails_if="the weights were left as they are",
)

# %% [markdown]
# What remains for the two pixel maps comes from the picture: a network with shuffled weights still answers to edges. So a map that
# follows the edges is no proof yet; the part of it that shuffling destroys is what it says of *this* network.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does it call dotted?
#
# Now the question of the harbour, with the map that we have tested. We ask for the logit *dotted* on dotted scenes of the archive, and look where
# the map lies.

# %% tags=["live:look at the dotted"]
dotted = np.flatnonzero((held_out.labels == 2) & held_out.truth.stamped)
suspect = tensors(held_out)[dotted]
evidence = {
    "Grad-CAM": grad_cam(network, suspect, layer=layer, target=2).values.numpy(),
    "Integrated Gradients": integrated_gradients(network, suspect, target=2, n_steps=8).values.abs().amax(1).numpy(),
}
where = {"stamp": held_out.truth.stamp[dotted], "object": held_out.truth.object[dotted]}
on_stamp = {name: np.mean(inside(m, where["stamp"]) > inside(m, where["object"])) for name, m in evidence.items()}

# %%
panels = {}
for i in range(4):
    panels[f"scene {i}"] = held_out.images[dotted[i]].transpose(1, 2, 0)
    panels |= {f"{name} {i}": m[i] for name, m in evidence.items()}
four_suspects = pictures(
    panels,
    columns=6,
    titles=["dotted", "Grad-CAM", "Int. Gradients"] * 2,
)
coin = binom.ppf(0.9995, len(dotted), 0.5)

# %%
show(
    four_suspects,
    caption="Four dotted scenes of the archive, and the evidence that they "
    "are dotted.",
    alt='Four scenes with their maps. In {on_stamp["Grad-CAM"]:.2f} of all '
    "dotted scenes Grad-CAM is brighter on the stamp in the lower left corner "
    "than on the dotted object.",
    tolerance=0.15,
)
claim(
    "Pixel for pixel, Grad-CAM lies more on the stamp than on the object in "
    "most dotted scenes of the archive",
    on_stamp["Grad-CAM"] * len(dotted) > coin,
    evidence="share of the scenes: {on_stamp:.0%}",
    tolerance=0.15,
    fails_if="the masks of stamp and object were exchanged",
)

# %% [markdown]
# A map is a suspicion. The proof is an experiment: change the stamp and nothing else. Our scenes come in pairs for this.

# %% tags=["live:change the stamp alone"]
other = plain.labels < 2
made_dotted = np.mean(answers["stamps everywhere"][other] == 2) - np.mean(
    answers["no stamps"][other] == 2
)
found, unstamped = (
    np.mean(answers["archive"][dotted] == 2),
    right["no stamps"][2],
)

# %%
three_times = bars(
    right,
    list(PATTERNS),
    value_label="share classified rightly",
    limits=(0, 1.05),
)

# %%
show(
    three_times,
    caption="The same held-out scenes three times; only the stamps differ.",
    alt="Bars by pattern. Dotted scenes are right in "
    '{right["archive"][2]:.2f} with the archive\'s stamps and in '
    "{unstamped:.2f} without; with a stamp, "
    'striped scenes are right in {right["stamps everywhere"][0]:.2f} and '
    'chequered ones in {right["stamps everywhere"][1]:.2f}.',
    tolerance=0.3,
)
claim(
    "The shortcut is real: without the stamp most dotted buoys are missed, "
    "and a stamp turns most others into dotted ones",
    found > 0.9 and unstamped < 0.5 and made_dotted > 0.5,
    evidence="dotted found with the stamp: {found:.0%}, without: "
    "{unstamped:.0%}; others made dotted: {made_dotted:.0%}",
    tolerance=0.3,
    fails_if="the stamp were not changed",
)

# %% [markdown]
# Accuracy on the archive could not show this, as the archive has the flaw on both sides. With more data and a larger network,
# does the shortcut go away? The next cell trains at full size, on a GPU.


# %% tags=["gpu"]
def dotted_without_stamp(n, size, width, max_epochs, device):
    scenes = simulate_scenes(n, size=size, stamp_rates=(0, 0, 0.95), seed=seed)
    fresh = simulate_scenes(
        min(n, 600), size=size, stamp_rates=0, seed=seed + 1
    )
    net = train_network(
        lambda: small_resnet(3, width=width),
        tensors(scenes),
        torch.from_numpy(scenes.labels),
        max_epochs=max_epochs,
        seed=seed,
        device=device,
    )
    answer = net(tensors(fresh)).argmax(1).numpy()
    return [float(np.mean(answer[fresh.labels == c] == c)) for c in range(3)]


large = run_on_gpu(
    dotted_without_stamp,
    shows="how many stampless scenes of each pattern a much wider network gets right, trained on 20,000 scenes of 128 pixels",
    full={"n": 20_000, "size": 128, "width": 64, "max_epochs": 15},
    tiny={"n": 60, "size": 32, "width": 4, "max_epochs": 1},
)
if large:
    print(dict(zip(PATTERNS, large)))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercise 1 — Did it point at it? (difficulty 1, 10 minutes)
# Grade maps by their brightest pixel: `maps` is an array (n, height, width), `masks` one of booleans with the same shape. Return for
# each map whether its largest value lies within its mask: an array of n booleans.


# %% tags=["exercise"]
def points_at(maps, masks):
    ### BEGIN SOLUTION
    n = len(maps)
    return masks.reshape(n, -1)[np.arange(n), maps.reshape(n, -1).argmax(1)]
    ### END SOLUTION


check(exercises.points_at, points_at)  # hint(exercises.points_at) helps, in layers

# %% [markdown]
# ## Exercise 2 — From maps to a map (difficulty 2, 10 minutes)
# The heart of Grad-CAM: given the maps of a layer and the gradients of the output with respect to them, both tensors
# (n, maps, h, w), return the weighted sum of the maps without its negative part, a tensor (n, h, w).


# %% tags=["exercise"]
def class_map(activations, gradients):
    ### BEGIN SOLUTION
    weight = gradients.mean((2, 3), keepdim=True)
    return (weight * activations).sum(1).relu()
    ### END SOLUTION


check(exercises.class_map, class_map)

# %% [markdown]
# ## Exercise 3 — Cover it up (difficulty 2, 10 minutes)
# Another proof of importance: cover part of a picture. Write a function that returns, for pictures (n, 3, height, width) and masks
# (n, height, width), how much the logit of `target` falls when the masked pixels are set to zero (the grey of our scenes): a tensor of n numbers.
# Leave the caller's pictures as they were.


# %% tags=["exercise"]
def lost_when_covered(model, images, masks, target):
    ### BEGIN SOLUTION
    covered = images.masked_fill(masks[:, None], 0.0)
    with torch.no_grad():
        return model(images)[:, target] - model(covered)[:, target]
    ### END SOLUTION


check(exercises.cover_it_up, lost_when_covered)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Every differentiable network has a saliency map, a bad one too. A map must be tested before it is believed.
# - Three tests: against a library (is it computed right?), against a known truth and chance (does it show what decides?), and
#   against spoilt weights (does it depend on the network?).
# - Pixel maps are sharp and noisy, Grad-CAM is coarse and calm. They answer different questions.
# - A map raises a suspicion. The proof is an experiment that changes the suspect and nothing else.

# %% [markdown]
# ## Where it breaks
#
# - Our masks say what decides the *label*. What the network goes by is another matter: a map outside the mask can be a
#   true map of a bad network, as with the stamp.
# - Integrated Gradients needs a baseline. From grey, an object as grey as the baseline gets nothing.
# - A gradient tells of small changes only. Where the network is sure, the gradient of a probability vanishes; ours are of logits.
# - On a real photograph nobody has drawn the mask of what decides. There the first and the third test remain.

# %% [markdown]
# ## Further reading
#
# - [Simonyan, Vedaldi and Zisserman (2014)](https://arxiv.org/abs/1312.6034), *Deep inside convolutional networks: visualising
#   image classification models and saliency maps*: the first saliency maps of deep networks.
# - [Selvaraju et al. (2017)](https://arxiv.org/abs/1610.02391), *Grad-CAM: visual explanations from deep networks via
#   gradient-based localization*: with tests on people.
# - [Adebayo et al. (2018)](https://arxiv.org/abs/1810.03292), *Sanity checks for saliency maps*: which maps survive when the
#   network is spoilt; required reading before using any.
# - [Lapuschkin et al. (2019)](https://arxiv.org/abs/1902.10178), *Unmasking Clever Hans predictors and assessing what machines
#   really learn*: a real network that recognised horses by a photographer's stamp.
