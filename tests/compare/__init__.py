"""Tests of ststudio.compare."""
