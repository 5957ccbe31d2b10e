"""The thesis's own ways, registered as anybody's extension is: its network, its descent, and the classical integrators.

No dialog offers them; on the command line they stand under a heading of their own. `settings.OF_THESIS` names them, so
that they are known before torch is loaded.
"""

from __future__ import annotations

from decouple_contract.settings import OF_THESIS
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.registry import register_hierarchy
from decouple_core.flow.registry import in_each_layer, register_integrator
from decouple_core.thesis.gradient_descent import GradientDescent
from decouple_core.thesis.integrators import Euler, RungeKutta4

NETWORKS, INTEGRATORS = OF_THESIS["activation"], OF_THESIS["integrator"]

register_hierarchy(
    "relu",
    NETWORKS["relu"],
    lambda network, weights, noise, linear: ChannelMeans(network, weights, noise, smooth=False, linear_dtype=linear),
)
register_integrator("rk4", INTEGRATORS["rk4"], in_each_layer(RungeKutta4), converged=True)
register_integrator("euler", INTEGRATORS["euler"], in_each_layer(Euler))
register_integrator("sgd", INTEGRATORS["sgd"], lambda steps: GradientDescent(), converged=True)
