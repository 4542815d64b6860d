"""The picture: its area is twice the path KL, at any number of steps."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from diffcert import Instance, Mixture, Schedule, mmse_figure, path_kl
from diffcert.plots import check_path, save

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
DISCRETE = Mixture(["1/2", "1/2"], [-1, 1], variance=0)


@pytest.mark.parametrize(
    ("target", "schedule", "scale"),
    [
        (THREE, Schedule.ddpm_linear(5), "log"),
        (THREE, Schedule.ddpm_linear(20), "log"),
        (THREE, Schedule.ddpm_linear(1000), "log"),
        (THREE, Schedule.uniform(50), "linear"),
        (THREE, Schedule.geometric(25), "log"),
        (DISCRETE, Schedule.karras(18), "log"),
        (DISCRETE, Schedule.from_snr([0, 1]), "linear"),
    ],
)
def test_the_area_is_twice_the_path_kl(target, schedule, scale):
    figure = mmse_figure(Instance(target, schedule, target_name="a target"))
    upper, lower = figure.axes
    held, curve = upper.get_lines()[:2]
    t = curve.get_xdata()
    gap = held.get_ydata() - curve.get_ydata()
    abscissa = np.log(t) if scale == "log" else t
    assert np.trapezoid(gap, abscissa) == pytest.approx(2 * path_kl(target, schedule), rel=0.02)
    assert lower.get_xscale() == scale
    assert "1/length²" in lower.get_xlabel()
    assert upper.get_ylabel()
    assert len(figure.legends) == 1
    assert "path KL = " in upper.get_title()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_suffix_decides_the_format(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    save(Instance(THREE, Schedule.ddpm_linear(5)), path)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_an_empty_part_of_a_logarithmic_axis_is_cut_off():
    figure = mmse_figure(Instance(DISCRETE, Schedule.li_cai_wei(50)))
    upper, lower = figure.axes
    left, right = lower.get_xlim()
    held = upper.get_lines()[0]
    t, height = held.get_xdata(), held.get_ydata()
    assert right < 1e3 < t[-1]
    outside = (t < left) | (t > right)
    assert height[outside].max() <= height.max() / 500
    assert "beyond the axis all is below 1/500" in lower.get_xlabel()


def test_the_picture_covers_no_data_and_gives_units():
    for schedule, unit in ((Schedule.uniform(5), "length²"), (Schedule.karras(5), "dimensionless")):
        figure = mmse_figure(Instance(THREE, schedule))
        upper, lower = figure.axes
        assert upper.get_legend() is lower.get_legend() is None
        assert unit in upper.get_ylabel()
        assert unit in lower.get_ylabel()


def test_a_name_is_not_read_as_mathematics(tmp_path):
    save(Instance(THREE, Schedule.uniform(2), target_name=r"$\frac$"), tmp_path / "picture.png")


def test_bad_paths(tmp_path):
    for name, message in (
        ("picture.gif", "does not end in .png, .svg, .pdf"),
        ("none/picture.png", "there is no folder"),
    ):
        with pytest.raises(ValueError, match=message):
            check_path(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        check_path(tmp_path / "folder.png")


def test_an_instance_without_a_schedule_has_no_picture():
    with pytest.raises(ValueError, match="no schedule"):
        mmse_figure(Instance(THREE, snr=1))


def test_a_missing_matplotlib_is_named(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"matplotlib is missing; install diffcert\[plot\]"):
        save(Instance(THREE, Schedule.ddpm_linear(5)), tmp_path / "picture.png")
