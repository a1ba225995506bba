"""The mathematics of the recurrent cells, one folder a cell; see README.md for the contract."""
