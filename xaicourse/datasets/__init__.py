"""Data sets of the course: real when at hand and verified, otherwise a simulated twin
with a known truth.
"""

from xaicourse.datasets.base import ChecksumError as ChecksumError
from xaicourse.datasets.base import Dataset as Dataset
from xaicourse.datasets.base import DatasetInfo as DatasetInfo
from xaicourse.datasets.base import available as available
from xaicourse.datasets.base import data_folder as data_folder
from xaicourse.datasets.base import fetch as fetch

# One line a data set: importing its module registers it.
from xaicourse.datasets.census import load_census as load_census
from xaicourse.datasets.census_twin import simulate_census as simulate_census
from xaicourse.datasets.collisions import simulate_collisions as simulate_collisions
from xaicourse.datasets.diabetes import load_diabetes as load_diabetes
from xaicourse.datasets.diabetes import simulate_diabetes as simulate_diabetes
from xaicourse.datasets.portfolio import simulate_portfolio as simulate_portfolio
from xaicourse.datasets.recidivism import load_recidivism as load_recidivism
from xaicourse.datasets.recidivism import simulate_recidivism as simulate_recidivism
from xaicourse.datasets.reviews import load_reviews as load_reviews
from xaicourse.datasets.reviews import simulate_reviews as simulate_reviews
from xaicourse.datasets.scenes import simulate_scenes as simulate_scenes
from xaicourse.datasets.sentences import simulate_sentences as simulate_sentences
from xaicourse.datasets.splits import Split as Split
from xaicourse.datasets.splits import stratified_split as stratified_split
from xaicourse.datasets.underwriting import load_underwriting as load_underwriting
from xaicourse.datasets.underwriting import prepare_underwriting as prepare_underwriting
from xaicourse.datasets.underwriting_twin import (
    simulate_underwriting as simulate_underwriting,
)
