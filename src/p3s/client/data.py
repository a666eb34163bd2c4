"""What the server knows of data: datasets, data types, runs."""

from p3s.protocol import catalogue_routes
from p3s.protocol.catalogue import DatasetChange, DatasetChanged

from .asking import Asking


class Data(Asking):
    """One method a route; datasets are named by their UUID."""

    def adjust_dataset(self, dataset: str, change: DatasetChange) -> DatasetChanged:
        """Change what is known of a dataset. Raises Conflict for a state that may not follow."""
        return self._told(DatasetChanged, catalogue_routes.ADJUST_DATASET, change, dataset=dataset)
