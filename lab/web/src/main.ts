import 'katex/dist/katex.min.css'
import 'uplot/dist/uPlot.min.css'

import { mount } from 'svelte'

import './app.css'
import App from './App.svelte'

mount(App, { target: document.getElementById('app')! })
