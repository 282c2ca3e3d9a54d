"""The routes of the API, one module for each noun.

Each module decides what can be asked of its noun, and how that is answered from the store. It
must not know who may ask.
"""
