"""Checks of how a picture's file is built, made on its bytes before a decoder sees it.

Each format has ways to make a small or easily made file costly: floods of empty blocks, tables that name the
same bytes a million times, one bomb inside another. A file that no program writes is refused here, in words.
What else is not plainly harmless is decoded by a worker within limits, see :mod:`fsl.data.images.workers`.
"""
