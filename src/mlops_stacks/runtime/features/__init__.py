"""The feature store as steps and servers use it: history, point-in-time join, online rows, whoever keeps them."""
