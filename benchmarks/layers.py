"""What reads a network layer by layer, and occlusion, against what a user would pick."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from captum.attr import LRP, Occlusion, LayerGradCam
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn
from torchvision.models import resnet18
from zennit.attribution import Gradient
from zennit.composites import LayerMapComposite
from zennit.layer import Sum
from zennit.rules import AlphaBeta, Epsilon, Gamma, Norm, Pass
from zennit.torchvision import ResNetCanonizer
from zennit.types import Activation, Linear

from xaicourse.attribution import (
    alpha_beta_rule,
    epsilon_rule,
    gamma_rule,
    grad_cam,
    layerwise_relevance,
    occlusion,
)
from xaicourse.networks import load_efficientnet_lite0, mlp, small_cnn

Work = Callable[[], object]
