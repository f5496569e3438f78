"""Measurements, published figures, studies and scores: what the product is held against. No part of the wheel."""
