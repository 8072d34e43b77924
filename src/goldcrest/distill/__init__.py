"""Distillation: small students of large teachers, trained with PyTorch (extra ``train``)."""
