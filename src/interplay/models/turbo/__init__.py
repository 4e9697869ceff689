"""Turbo learning: "Turbo Learning Framework for Human-Object Interactions Recognition and Human Pose Estimation".

Wei Feng, Wentao Liu, Tong Li, Jing Peng, Chen Qian, Xiaolin Hu, AAAI 2019. The authors published no code.
"""
