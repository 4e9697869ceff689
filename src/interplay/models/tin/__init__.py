"""TIN: transferable interactiveness (Li et al., CVPR 2019; TPAMI 2021)."""
