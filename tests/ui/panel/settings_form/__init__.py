"""Tests of the form of settings."""
